package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/testcontainers/testcontainers-go"

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

// processOfGateway is what is done to a gateway.
type processOfGateway interface {
	process
	// ended waits until it has ended.
	ended(ctx context.Context) error
	send(ctx context.Context, s gateways.Signal) error
	// exec runs a command beside it, and returns its exit code and what it printed.
	exec(ctx context.Context, command []string) (code int, printed string, err error)
	// replace puts files in the place of those that it may be watching.
	replace(ctx context.Context, files ...gateways.File) error
	// status is its /proc/pid/status (proc(5)); an error if nobody can tell.
	status(ctx context.Context) (string, error)
	// tasks counts processes and threads.
	tasks(ctx context.Context) (int, error)
}

// contained is a gateway in a container.
type contained struct {
	lab              *inDocker
	hop              hop
	processOfGateway                 // nil until it was started for the first time
	config           []gateways.File // what it was given last
}

func (c *contained) Address() string {
	if c.processOfGateway == nil {
		return ""
	}
	return c.address(c.hop.gateway.Listen)
}

// begin starts the gateway for the first time.
func (c *contained) begin(ctx context.Context, serving []gateways.Upstream) error {
	var err error
	if c.config, err = c.hop.render(c.lab.facts.Version, serving); err != nil {
		return err
	}
	if c.processOfGateway, err = c.lab.runGateway(ctx, c.hop, c.config); err == nil {
		err = c.await(ctx)
	}
	if err != nil { // a gateway that dies at once is noticed here or there
		g := c.hop.gateway
		return fmt.Errorf("%s: command %q: %w", g.DefinitionFile(), g.Command, err)
	}
	return nil
}

// runGateway starts a gateway in the house that a sandbox has for it, if the lab has one, else in a container of its own. One that
// has ended by the time that it is looked for comes with an error, and has a log all the same.
func (l *inDocker) runGateway(ctx context.Context, h hop, config []gateways.File) (processOfGateway, error) {
	s := h.container(l.images.gateway)
	if l.sandbox != nil {
		house, err := l.sandbox.house(ctx, h.house(s.image), s)
		if err != nil {
			return nil, err
		}
		started, err := l.sandbox.settle(ctx, house, s, config...)
		if err != nil {
			return nil, err
		}
		return started, nil
	}
	for _, file := range config {
		s.files = append(s.files, testcontainers.ContainerFile{
			Reader: bytes.NewReader(file.Content), ContainerFilePath: file.Target, FileMode: 0o644,
		})
	}
	started, err := l.runInPod(ctx, s)
	if started == nil {
		return nil, err
	}
	return started, err
}

// container is the container of a gateway.
func (h hop) container(of images.Obtained) spec {
	return spec{
		name: h.host, aliases: h.doors, image: of, command: h.gateway.Command, user: h.gateway.User, ports: []int{h.gateway.Listen},
	}
}

// await waits until the gateway is ready.
func (c *contained) await(ctx context.Context) error {
	g := c.hop.gateway
	err := awaitReady(ctx, c.Address(), g.Ready, c.gone)
	if errors.Is(err, syscall.ECONNREFUSED) {
		err = fmt.Errorf("%w; listen in %s says %d", err, g.DefinitionFile(), g.Listen)
	}
	return explain(ctx, c, err)
}

func (c *contained) reload(ctx context.Context) error {
	how := c.hop.gateway.Reload
	switch {
	case how.Watch:
		return nil
	case how.Signal != "":
		return c.catch(ctx, how.Signal)
	case len(how.Command) > 0:
		return c.command(ctx, how.Command)
	}
	return fmt.Errorf("%s: gateway.yaml does not say how it is reloaded", c.hop)
}

// catch sends a signal to the gateway once it catches it, and has received the one before. HAProxy's master ignores signals
// while it starts, and goes on starting after its workers have begun to serve, so that a signal sent as soon as it is ready
// may be lost. nginx's master holds signals back while it starts new workers, and two that wait are one (signal(7)).
func (c *contained) catch(ctx context.Context, s gateways.Signal) error {
	waiting, cancel := context.WithTimeout(ctx, catchTimeout)
	defer cancel()
	for !c.catches(waiting, s) && waiting.Err() == nil {
		time.Sleep(20 * time.Millisecond) // polling: it is not announced
	}
	return c.send(ctx, s)
}

// catchTimeout bounds the wait for a gateway to catch a signal; one that never does is sent it all the same.
const catchTimeout = 5 * time.Second

// catches reports whether the gateway has a handler for the signal, and none of that kind is waiting for it. It is taken to be
// so when the image has no means to look.
func (c *contained) catches(ctx context.Context, s gateways.Signal) bool {
	text, err := c.status(ctx)
	return err != nil || catchesNext(text, s)
}

// catchesNext is catches by the text of /proc/pid/status (proc(5)): masks of signals in hexadecimal, the first one lowest.
func catchesNext(status string, s gateways.Signal) bool {
	masks := map[string]uint64{"SigCgt": math.MaxUint64} // where nothing is said there is nothing to wait for
	for line := range strings.Lines(status) {
		name, text, _ := strings.Cut(line, ":")
		if mask, err := strconv.ParseUint(strings.TrimSpace(text), 16, 64); err == nil {
			masks[name] = mask
		}
	}
	bit := uint64(1) << (s.Number() - 1)
	return masks["SigCgt"]&bit != 0 && (masks["SigPnd"]|masks["ShdPnd"])&bit == 0
}

// command runs a command beside the gateway.
func (c *contained) command(ctx context.Context, command []string) error {
	code, text, err := c.exec(ctx, command)
	switch {
	case err != nil:
		return fmt.Errorf("%q: %w", command, err)
	case code != 0:
		return fmt.Errorf("%q: exit code %d: %s", command, code, strings.TrimSpace(text))
	}
	return nil
}

// patience bounds a stop in order; what is under way may take its time.
const patience = 30 * time.Second

func (c *contained) halt(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	how := c.hop.gateway.StopSignal()
	if err := c.catch(ctx, how); err != nil {
		return err
	}
	err := c.ended(ctx)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("it still runs %s later", patience)
	}
	if err != nil {
		return explain(ctx, c, fmt.Errorf("%s does not stop on %s: %w", c.hop, how, err))
	}
	return nil
}

func (c *contained) launch(ctx context.Context) error {
	if err := c.start(ctx); err != nil {
		return err
	}
	return c.await(ctx)
}

func (l *inDocker) Tasks(ctx context.Context) (int, error) { return l.contained.tasks(ctx) }

// log reads what it has logged.
func (c *contained) log(ctx context.Context) ([]byte, error) {
	log, err := c.readLog(ctx)
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", c.hop, err)
	}
	return log, nil
}

// saveLog saves what it has logged. One that was never started, or never there, has logged nothing.
func (c *contained) saveLog(ctx context.Context) error {
	if c == nil || c.processOfGateway == nil {
		return nil
	}
	log, err := c.log(ctx)
	c.processOfGateway = nil // its log is about to go with it
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.hop.dir, LogFile), log, 0o644)
}
