package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/badgateway/badgateway/fixtures/gateways"
)

// process is the first one of a container (service), or one in a house (tenant).
type process interface {
	// address is where the harness reaches a port of it.
	address(port int) string
	// start starts it again if it has ended.
	start(ctx context.Context) error
	// gone says that it has ended; nil while it runs and while nobody can tell.
	gone(ctx context.Context) error
	// readLog returns what it has printed, and lastLines the end of that.
	readLog(ctx context.Context) ([]byte, error)
	lastLines(ctx context.Context, n int) ([]byte, error)
}

// What can be done to a container that was started. What is undone by it may be repeated. A container that has ended keeps
// its files and its log until the lab is gone.

// signal sends a signal to the first process of the container, unless that has ended.
func (s *service) signal(ctx context.Context, number uint) error {
	_, err := s.engine.ContainerKill(ctx, s.id, client.ContainerKillOptions{Signal: strconv.FormatUint(uint64(number), 10)})
	if err != nil && s.gone(ctx) != nil {
		return nil
	}
	return err
}

// send sends one of the signals that gateways are told something by.
func (s *service) send(ctx context.Context, signal gateways.Signal) error {
	_, err := s.engine.ContainerKill(ctx, s.id, client.ContainerKillOptions{Signal: string(signal)})
	return err
}

// status needs means to look in the image.
func (s *service) status(ctx context.Context) (string, error) {
	code, text, err := s.exec(ctx, []string{"cat", "/proc/1/status"})
	if err == nil && code != 0 {
		err = fmt.Errorf("exit code %d: %s", code, strings.TrimSpace(text))
	}
	return text, err
}

func (s *service) tasks(ctx context.Context) (int, error) {
	answer, err := s.engine.ContainerStats(ctx, s.id, client.ContainerStatsOptions{})
	if err != nil {
		return 0, err
	}
	var stats container.StatsResponse
	err = json.NewDecoder(answer.Body).Decode(&stats)
	return int(stats.PidsStats.Current), errors.Join(err, answer.Body.Close())
}

// ended waits until the container has ended.
func (s *service) ended(ctx context.Context) error {
	waiting := s.engine.ContainerWait(ctx, s.id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case <-waiting.Result:
		return nil
	case err := <-waiting.Error:
		return err
	}
}

func (s *service) start(ctx context.Context) error {
	if _, err := s.engine.ContainerStart(ctx, s.id, client.ContainerStartOptions{}); err != nil {
		return err
	}
	if s.spec.in != nil {
		return nil // nothing has become of the pod
	}
	return s.locate(ctx)
}

func (s *service) pause(ctx context.Context) error {
	_, err := s.engine.ContainerPause(ctx, s.id, client.ContainerPauseOptions{})
	return err
}

func (s *service) resume(ctx context.Context) error {
	inspected, err := s.engine.ContainerInspect(ctx, s.id, client.ContainerInspectOptions{})
	if err != nil || !inspected.Container.State.Paused {
		return err
	}
	_, err = s.engine.ContainerUnpause(ctx, s.id, client.ContainerUnpauseOptions{})
	return err
}

// Disconnect takes the container from the lab's network, and with that from every other one.
func (s *service) Disconnect(ctx context.Context) error {
	_, err := s.engine.NetworkDisconnect(ctx, s.network, client.NetworkDisconnectOptions{Container: s.id, Force: true})
	return err
}

// Connect puts it back where it was.
func (s *service) Connect(ctx context.Context) error {
	inspected, err := s.engine.ContainerInspect(ctx, s.id, client.ContainerInspectOptions{})
	if err != nil {
		return err
	}
	if inspected.Container.NetworkSettings.Networks[s.network] == nil {
		_, err = s.engine.NetworkConnect(ctx, s.network, client.NetworkConnectOptions{
			Container: s.id, EndpointConfig: &network.EndpointSettings{IPAMConfig: s.spec.ipam(), Aliases: s.spec.names()},
		})
		if err != nil {
			return err
		}
	}
	return s.locate(ctx)
}

// exec runs a command beside the first process of the container, and returns its exit code and what it printed.
// testcontainers does that too, and leaves a connection to the engine open each time.
func (s *service) exec(ctx context.Context, command []string) (code int, printed string, err error) {
	created, err := s.engine.ExecCreate(ctx, s.id, client.ExecCreateOptions{Cmd: command, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return 0, "", err
	}
	attached, err := s.engine.ExecAttach(ctx, created.ID, client.ExecAttachOptions{})
	if err != nil {
		return 0, "", err
	}
	defer attached.Close()
	defer context.AfterFunc(ctx, attached.Close)()
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, &text, attached.Reader); err != nil {
		return 0, "", err
	}
	for { // its output may have ended a moment before it has
		ran, err := s.engine.ExecInspect(ctx, created.ID, client.ExecInspectOptions{})
		if err != nil || !ran.Running {
			return ran.ExitCode, text.String(), err
		}
		time.Sleep(5 * time.Millisecond) // polling: it is not announced
	}
}
