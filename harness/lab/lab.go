// Package lab starts a topology: gateway, backends, links. There is one interface and two implementations: in this
// process, over loopback sockets, and in containers. Docker is known to this package alone.
package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/harness/wire"
)

// Plan is what is asked of a lab.
type Plan struct {
	// Scenario names the plan in labels and messages.
	Scenario string
	Gateway  gateways.Gateway
	Backends topology.Group
	Policy   topology.Policy
	// Front is a second gateway of the same kind, in front of the one under test; nil is none.
	Front *topology.Front
	// Links lists the replicas that the gateway reaches through Toxiproxy; every other one it reaches directly.
	Links []topology.Replica
	// Successors lists the replicas of which another life will be wanted while the load runs. In containers it begins with the
	// lab, since it may take seconds.
	Successors []topology.Replica
	// Needs lists what the schedule needs of the lab.
	Needs []fault.Need
	// Sandboxes keeps what labs in containers need not have to themselves; nil leaves each of them alone.
	Sandboxes *Sandboxes
	// Wrap is put around an embedded gateway, not the one in front; it is how defects are planted.
	Wrap reverseproxy.Wrap
	// Dir is an existing folder in which the lab may leave files of the run: journals, config, log.
	Dir string
	// Progress is told what takes long, e.g. the build of an image; it may be nil.
	Progress func(string)
}

// Lab is a running topology.
type Lab interface {
	// Address is where the client reaches the gateway, or the one in front of it, host and port.
	Address() string
	// Site is what faults can reach of one replica in its current life.
	Site(topology.Replica) fault.Site
	// Gateway is the process of the gateway under test; nothing is done to the one in front of it.
	Gateway() fault.GatewayProcess
	// Facts describes what runs, as detected from it.
	Facts() Facts
	// Arrivals reads the journals of every backend's lives, on the run's clock.
	Arrivals(ctx context.Context, clock record.Clock) ([]record.Arrival, error)
	// Log reads what the gateway under test has logged so far; Stop saves it in the lab's folder.
	Log(ctx context.Context) ([]byte, error)
	// Tasks counts the processes and threads of the gateway under test.
	Tasks(ctx context.Context) (int, error)
	// Stop takes everything down that the lab started, also after a failed start, and reports what it could not.
	Stop(ctx context.Context) error
}

// Facts is what a lab found out about what it runs.
type Facts struct {
	Lab string `json:"lab"` // "inprocess" or "docker"
	// Version is the gateway's, as it told it.
	Version topology.Version `json:"version"`
	// Image is the id of the gateway's image, and how it was had; empty in process.
	Image string `json:"image,omitempty"`
	How   string `json:"how,omitempty"`
	// Reach says how the client reaches the gateway: "loopback", "container address" or "published port". In containers
	// BADGATEWAY_REACH=direct or published overrules what the lab finds out.
	Reach string `json:"reach"`
	// Shared is how many labs had the containers of gateway and backends before; in each they began as new processes.
	Shared int `json:"shared,omitempty"`
	// ClockUncertainty is how far off the instants of arrivals can be.
	ClockUncertainty time.Duration `json:"clock_uncertainty"`
}

// startTimeout bounds the start of a lab whose images are present.
const startTimeout = 60 * time.Second

// The places in a lab's folder where it leaves the gateway's config files and log.
const (
	ConfigDir = "config"
	LogFile   = "gateway.log"
)

// saveConfig saves the config files of the gateway in the lab's folder.
func saveConfig(dir string, config []gateways.File) error {
	dir = filepath.Join(dir, ConfigDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, file := range config {
		if err := os.WriteFile(filepath.Join(dir, file.Name), file.Content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Supports reports, before anything starts, what the plan's gateway cannot do of what is asked, else nil.
func Supports(p Plan) error {
	for _, h := range p.hops() {
		if lacks := h.gateway.Lacks(h.policy); len(lacks) > 0 {
			return gateways.Unsupported{Reason: fmt.Sprintf("%s has no %v", h.words(), lacks)}
		}
	}
	if reason := p.lacks(p.Needs...); reason != "" {
		return gateways.Unsupported{Reason: reason}
	}
	if p.Front != nil && p.Gateway.Fixed() {
		return gateways.Unsupported{Reason: "a gateway in front needs a template: the fixed config leads to the backends"}
	}
	for _, h := range p.hops() {
		backends := upstreams(p.Backends.Members(), p.Links)
		if h.isFront() {
			backends = p.knownAs(func(door string) string { return door + portOf(p.Gateway.Listen) })
		}
		_, err := h.gateway.Render(h.rendering(p.Gateway.Line, backends))
		if unsupported, is := errors.AsType[gateways.Unsupported](err); is && h.isFront() {
			return gateways.Unsupported{Reason: h.words() + ": " + unsupported.Reason}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lacks says why one of the needs cannot be met; empty if all can.
func (p Plan) lacks(needs ...fault.Need) string {
	g := p.Gateway
	for _, need := range needs {
		switch {
		case g.Embedded && (need == fault.Firewall || need == fault.Network):
			return fmt.Sprintf("the inprocess lab has no %s", need)
		case g.Reload.IsZero() && (need == fault.Reload || need == fault.List):
			return "the gateway cannot be reloaded"
		case g.Fixed() && need == fault.List:
			return "the fixed config cannot be given other backends"
		}
	}
	return ""
}

// needs reports whether the schedule needs that of the lab.
func (p Plan) needs(need fault.Need) bool { return slices.Contains(p.Needs, need) }

// Start starts the plan in the lab that its gateway needs. The lab is returned beside an error too, for Stop; it is nil
// only when nothing was started.
func Start(ctx context.Context, p Plan) (Lab, error) {
	if err := clearFront(p); err != nil {
		return nil, err
	}
	if p.Gateway.Embedded {
		return startInProcess(ctx, p)
	}
	return startDocker(ctx, p)
}

// awaitReady asks the gateway for its readiness path until it is answered as it should be. gone says early why it never
// will, e.g. that the gateway has died.
func awaitReady(ctx context.Context, address string, ready gateways.Ready, gone func(context.Context) error) error {
	return await(ctx, gone, func(ctx context.Context) error { return probe(ctx, address, ready) })
}

// await tries until it works, until gone says why it never will, or until the time for a start is over.
func await(ctx context.Context, gone, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var last error
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		if last == nil || !over(ctx) { // what fails because the time is over says nothing about why it did not work
			last = err
		}
		if err := gone(ctx); err != nil {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond): // polling: nobody announces that it is ready
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w (%w)", last, context.Cause(ctx))
		}
	}
}

// over says that the context's time is. A dial sees its deadline pass a moment before the context's own timer fires.
func over(ctx context.Context) bool {
	deadline, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && !time.Now().Before(deadline)
}

func probe(ctx context.Context, address string, ready gateways.Ready) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	status, _, err := wire.AskAt(ctx, address, ready.Path)
	if err != nil {
		return err
	}
	if status != ready.Status {
		return fmt.Errorf("GET %s: status %d, want %d", ready.Path, status, ready.Status)
	}
	return nil
}
