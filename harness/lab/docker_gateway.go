package lab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/exec"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/images"
	"github.com/badgateway/badgateway/harness/topology"
)

// upstreams lists the replicas as a gateway in containers is to reach them.
func upstreams(serving, links []topology.Replica) []gateways.Upstream {
	var all []gateways.Upstream
	for _, replica := range serving {
		address := replica.String() + portOf(dataPort)
		if i := slices.Index(links, replica); i >= 0 {
			address = "toxiproxy" + portOf(firstLinkPort+i)
		}
		all = append(all, gateways.Upstream{Name: replica.String(), Address: address})
	}
	return all
}

// render renders the config for the backends that serve, and saves it.
func (l *inDocker) render() error {
	g := l.plan.Gateway
	config, err := g.Render(gateways.Rendering{
		Version: l.facts.Version, Listen: g.Listen, Backends: upstreams(l.serving, l.plan.Links), Policy: l.plan.Policy,
	})
	if err != nil {
		return err
	}
	l.config = config
	return saveConfig(l.plan.Dir, config)
}

func (l *inDocker) startGateway(ctx context.Context, image images.Obtained) error {
	if err := l.render(); err != nil {
		return err
	}
	g := l.plan.Gateway
	s := spec{name: "gateway", image: image, command: g.Command, user: g.User, ports: []int{g.Listen}}
	for _, file := range l.config {
		s.files = append(s.files, testcontainers.ContainerFile{
			Reader: bytes.NewReader(file.Content), ContainerFilePath: file.Target, FileMode: 0o644,
		})
	}
	var err error
	if l.gateway, err = l.run(ctx, s); err == nil {
		err = l.awaitGateway(ctx)
	}
	if err != nil { // a gateway that dies at once is noticed here or there
		return fmt.Errorf("%s: command %q: %w", g.File(), g.Command, err)
	}
	return nil
}

func (l *inDocker) awaitGateway(ctx context.Context) error {
	g := l.plan.Gateway
	err := awaitReady(ctx, l.Address(), g.Ready, l.gateway.gone)
	if errors.Is(err, syscall.ECONNREFUSED) {
		err = fmt.Errorf("%w; listen in %s says %d", err, g.File(), g.Listen)
	}
	return l.gateway.explain(ctx, err)
}

func (l *inDocker) Reload(ctx context.Context, serving []topology.Replica) error {
	before := l.config
	l.serving = serving
	if err := l.render(); err != nil {
		return err
	}
	for i, file := range l.config {
		if bytes.Equal(file.Content, before[i].Content) {
			continue
		}
		if err := l.gateway.container.CopyToContainer(ctx, file.Content, file.Target, 0o644); err != nil {
			return fmt.Errorf("reload: %s: %w", file.Target, err)
		}
	}
	how := l.plan.Gateway.Reload
	switch {
	case how.Watch:
		return nil
	case how.Signal != "":
		return l.signal(ctx, how.Signal)
	case len(how.Command) > 0:
		return l.command(ctx, how.Command)
	}
	return fmt.Errorf("gateway %s: gateway.yaml does not say how it is reloaded", l.plan.Gateway)
}

// signal sends a signal to the gateway once it catches it. HAProxy's master ignores signals while it starts, and goes on
// starting after its workers have begun to serve, so that a signal sent as soon as it is ready may be lost.
func (l *inDocker) signal(ctx context.Context, s gateways.Signal) error {
	waiting, cancel := context.WithTimeout(ctx, catchTimeout)
	defer cancel()
	for !l.catches(waiting, s) && waiting.Err() == nil {
		time.Sleep(20 * time.Millisecond) // polling: it is not announced
	}
	_, err := l.engine.ContainerKill(ctx, l.gateway.id, client.ContainerKillOptions{Signal: string(s)})
	return err
}

// catchTimeout bounds the wait for a gateway to catch a signal; one that never does is sent it all the same.
const catchTimeout = 5 * time.Second

// catches reports whether the gateway has a handler for the signal. It is taken to have one when the image has no means
// to look.
func (l *inDocker) catches(ctx context.Context, s gateways.Signal) bool {
	code, output, err := l.gateway.container.Exec(ctx, []string{"cat", "/proc/1/status"}, exec.Multiplexed())
	if err != nil || code != 0 {
		return true
	}
	for line := range lines(output) {
		if mask, found := strings.CutPrefix(line, "SigCgt:"); found {
			caught, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			return err != nil || caught&(1<<(numbers[s]-1)) != 0
		}
	}
	return true
}

func lines(r io.Reader) iter.Seq[string] {
	return func(yield func(string) bool) {
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			if !yield(scanner.Text()) {
				return
			}
		}
	}
}

// numbers are the signals' own on Linux, where every container runs.
var numbers = map[gateways.Signal]uint{"HUP": 1, "INT": 2, "QUIT": 3, "USR1": 10, "USR2": 12, "TERM": 15, "WINCH": 28}

// command runs a command beside the gateway.
func (l *inDocker) command(ctx context.Context, command []string) error {
	code, output, err := l.gateway.container.Exec(ctx, command, exec.Multiplexed())
	if err != nil {
		return fmt.Errorf("%q: %w", command, err)
	}
	if code == 0 {
		return nil
	}
	text, err := io.ReadAll(output)
	return errors.Join(fmt.Errorf("%q: exit code %d: %s", command, code, strings.TrimSpace(string(text))), err)
}

// patience bounds a stop in order; what is under way may take its time.
const patience = 30 * time.Second

func (l *inDocker) StopGateway(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	waiting := l.engine.ContainerWait(ctx, l.gateway.id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	if err := l.signal(ctx, l.plan.Gateway.StopSignal()); err != nil {
		return err
	}
	select {
	case <-waiting.Result:
		return nil
	case err := <-waiting.Error:
		if ctx.Err() != nil {
			err = fmt.Errorf("it still runs %s later", patience)
		}
		return l.gateway.explain(ctx, fmt.Errorf("gateway %s does not stop on %s: %w", l.plan.Gateway, l.plan.Gateway.StopSignal(), err))
	}
}

func (l *inDocker) RestartGateway(ctx context.Context) error {
	if err := l.StopGateway(ctx); err != nil {
		return err
	}
	if _, err := l.engine.ContainerStart(ctx, l.gateway.id, client.ContainerStartOptions{}); err != nil {
		return err
	}
	// The engine may have given it another address.
	if err := l.gateway.locate(ctx, l.network.Name, l.reach, []int{l.plan.Gateway.Listen}); err != nil {
		return err
	}
	return l.awaitGateway(ctx)
}

func (l *inDocker) Tasks(ctx context.Context) (int, error) {
	answer, err := l.engine.ContainerStats(ctx, l.gateway.id, client.ContainerStatsOptions{})
	if err != nil {
		return 0, err
	}
	var stats container.StatsResponse
	err = json.NewDecoder(answer.Body).Decode(&stats)
	return int(stats.PidsStats.Current), errors.Join(err, answer.Body.Close())
}
