package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/images"
	"github.com/badgateway/badgateway/fixtures/toxiproxy"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// The ports inside the containers, known before anything starts. The first link listens on firstLinkPort, the next one
// on the next.
const (
	dataPort      = 8080
	controlPort   = 8081
	toxicPort     = 8474
	firstLinkPort = 20001

	journalPath = "/journal.jsonl"
)

// inDocker runs everything in containers on a private network, where each has its name for an address:
//
//	client -> gateway -> [toxiproxy ->] orders-1 -> journal in the backend's container
//
// What belongs to the lab is known by its label alone, so Stop finds it however the start has ended.
type inDocker struct {
	plan    Plan
	engine  *client.Client
	own     labels
	network *testcontainers.DockerNetwork
	reach   reach

	clock    record.Clock // runs from the start of the lab; the run's begins later
	gateway  *service
	serving  []topology.Replica // those that the gateway was told of last
	config   []gateways.File    // what it was given last
	toxic    *service
	backends []dockerBackend // in the order of the group's members
	facts    Facts
}

// dockerBackend is a backend and how its clock stood when it started: one that has died cannot be asked for it.
type dockerBackend struct {
	*service
	site                fault.Site
	offset, uncertainty time.Duration
}

func startDocker(ctx context.Context, p Plan) (Lab, error) {
	engine, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	own, err := ownLabels(ctx, engine, p)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	set, err := obtainAll(ctx, engine, p)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	l := &inDocker{
		plan: p, engine: engine, own: own, clock: record.StartClock(),
		serving: p.Backends.Members(), backends: make([]dockerBackend, p.Backends.Count),
		facts: Facts{Lab: "docker", Image: set.gateway.ID, How: set.gateway.How},
	}
	return l, l.start(ctx, set)
}

// start starts backends and Toxiproxy first, then the links, then the gateway: gateways resolve the names of their
// upstreams when they start.
func (l *inDocker) start(ctx context.Context, set imageSet) error {
	if err := l.openNetwork(ctx); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	l.facts.Reach = string(l.reach)
	steps := []func() error{
		about("gateway "+l.plan.Gateway.String(), func() error { return l.detect(ctx, set.gateway) }),
		about("toxiproxy", func() error { return l.startToxiproxy(ctx, set.toxiproxy) }),
	}
	for i, replica := range l.plan.Backends.Members() {
		steps = append(steps, about("backend "+replica.String(), func() (err error) {
			l.backends[i], err = l.startBackend(ctx, set.backend, replica)
			return err
		}))
	}
	if err := together(steps...); err != nil {
		return err
	}
	if err := l.connectLinks(ctx); err != nil {
		return err
	}
	return about("gateway "+l.plan.Gateway.String(), func() error { return l.startGateway(ctx, set.gateway) })()
}

// about puts before the error of a step what it is about.
func about(what string, step func() error) func() error {
	return func() error {
		if err := step(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	}
}

func (l *inDocker) startBackend(ctx context.Context, image images.Obtained, r topology.Replica) (dockerBackend, error) {
	args := []string{
		"-name", r.String(), "-listen", portOf(dataPort), "-control", portOf(controlPort), "-journal", journalPath,
	}
	s, err := l.run(ctx, spec{name: r.String(), image: image, args: args, ports: []int{controlPort}})
	if err != nil {
		return dockerBackend{}, err
	}
	b := dockerBackend{service: s, site: fault.Site{
		Replica: r, Backend: backend.Remote{Name: r.String(), Address: s.address(controlPort)},
	}}
	// It listens for requests before it answers on its control port.
	err = await(ctx, s.gone, func(ctx context.Context) (err error) {
		b.offset, b.uncertainty, err = b.site.Backend.Offset(ctx, l.clock)
		return err
	})
	return b, s.explain(ctx, err)
}

// startToxiproxy starts Toxiproxy if there is a link that leads through it.
func (l *inDocker) startToxiproxy(ctx context.Context, image images.Obtained) error {
	if len(l.plan.Links) == 0 {
		return nil
	}
	ports := []int{toxicPort}
	for i := range l.plan.Links {
		ports = append(ports, firstLinkPort+i)
	}
	s, err := l.run(ctx, spec{name: "toxiproxy", image: image, args: []string{"-host", "0.0.0.0"}, ports: ports})
	if err != nil {
		return err
	}
	l.toxic = s
	remote := toxiproxy.Remote{Address: s.address(toxicPort)}
	err = await(ctx, s.gone, func(ctx context.Context) error {
		_, err := remote.Version(ctx)
		return err
	})
	return s.explain(ctx, err)
}

func (l *inDocker) connectLinks(ctx context.Context) error {
	for i, replica := range l.plan.Links {
		at := slices.Index(l.plan.Backends.Members(), replica)
		if at < 0 {
			return fmt.Errorf("link to %s: no such backend", replica)
		}
		port := firstLinkPort + i
		remote := toxiproxy.Remote{Address: l.toxic.address(toxicPort)}
		link, err := remote.Connect(ctx, replica.String(), "0.0.0.0"+portOf(port), replica.String()+portOf(dataPort))
		if err != nil {
			return fmt.Errorf("link to %s: %w", replica, err)
		}
		l.backends[at].site.Link, l.backends[at].site.Dial = &link, l.toxic.address(port)
	}
	return nil
}

func (l *inDocker) Address() string {
	if l.gateway == nil {
		return ""
	}
	return l.gateway.address(l.plan.Gateway.Listen)
}

func (l *inDocker) Site(r topology.Replica) fault.Site {
	i := slices.Index(l.plan.Backends.Members(), r)
	if i < 0 {
		return fault.Site{}
	}
	return l.backends[i].site
}

func (l *inDocker) Facts() Facts { return l.facts }

func (l *inDocker) Arrivals(ctx context.Context, clock record.Clock) ([]record.Arrival, error) {
	journals := make([][]record.Arrival, len(l.backends))
	uncertainties := make([]time.Duration, len(l.backends))
	var steps []func() error
	for i, b := range l.backends {
		steps = append(steps, about("backend "+b.site.Replica.String(), func() (err error) {
			offset, uncertainty := b.align(ctx, l.clock, clock)
			uncertainties[i] = uncertainty
			journals[i], err = b.journal(ctx, offset)
			return err
		}))
	}
	if err := together(steps...); err != nil {
		return nil, err
	}
	l.facts.ClockUncertainty = slices.Max(uncertainties)
	return slices.Concat(journals...), nil
}

// align lets the backend tell everything in its journal and measures what must be added to its clock to get the run's, or
// takes what was measured when the backend started if it cannot be asked any more.
func (b *dockerBackend) align(ctx context.Context, lab, run record.Clock) (offset, uncertainty time.Duration) {
	if b.gone(ctx) == nil && b.site.Backend.Settle(ctx) == nil {
		if offset, uncertainty, err := b.site.Backend.Offset(ctx, run); err == nil {
			return offset, uncertainty
		}
	}
	return b.offset + run.Now() - lab.Now(), b.uncertainty
}

func (b *dockerBackend) journal(ctx context.Context, offset time.Duration) ([]record.Arrival, error) {
	file, err := b.open(ctx, journalPath)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	arrivals, err := backend.ReadJournal(file, offset)
	return arrivals, errors.Join(err, file.Close())
}

func (l *inDocker) Log(ctx context.Context) ([]byte, error) {
	log, err := l.gateway.logs(ctx, "all")
	if err != nil {
		return nil, fmt.Errorf("log of the gateway: %w", err)
	}
	return log, nil
}

// saveLog saves what the gateway has logged.
func (l *inDocker) saveLog(ctx context.Context) error {
	if l.gateway == nil {
		return nil
	}
	log, err := l.Log(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(l.plan.Dir, LogFile), log, 0o644)
}

// Stop saves the gateway's log and removes the lab's containers, then its network.
func (l *inDocker) Stop(ctx context.Context) error {
	err := l.saveLog(ctx)
	l.gateway = nil // its log goes with it
	_, stuck, removeErr := remove(ctx, l.engine, labelLab+"="+l.own[labelLab])
	for _, what := range stuck {
		if l.plan.Progress != nil {
			l.plan.Progress("the engine does not give up the empty " + what)
		}
	}
	return errors.Join(err, removeErr, l.engine.Close())
}

// together runs the steps at the same time and joins their errors; it returns when all have ended.
func together(steps ...func() error) error {
	errs := make([]error, len(steps))
	var running sync.WaitGroup
	for i, step := range steps {
		running.Go(func() { errs[i] = step() })
	}
	running.Wait()
	return errors.Join(errs...)
}

// portOf writes a port as it follows a host.
func portOf(port int) string { return net.JoinHostPort("", strconv.Itoa(port)) }
