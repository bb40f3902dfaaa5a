package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"github.com/badgateway/badgateway/fixtures/gateways"
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
//	client -> [front ->] gateway -> [toxiproxy ->] orders-1 -> journal in the backend's container
//
// What belongs to the lab is known by its label alone, so Stop finds it however the start has ended. A lab that may share a
// sandbox has little but processes to itself (see Sandboxes).
type inDocker struct {
	*project
	plan    Plan
	sandbox *sandbox // nil for a lab that has all to itself
	images  imageSet

	replicas  []*replica
	toxic     process // nil unless the plan has links
	contained *contained
	front     *contained // nil unless the plan has one
	gateway   *gatewayProcess
	facts     Facts

	linked bool // the first lives are
	mu     sync.Mutex
	links  int // of further lives
}

func startDocker(ctx context.Context, p Plan) (Lab, error) {
	own, err := newProject(ctx, p)
	if err != nil {
		return nil, err
	}
	set, err := obtainAll(ctx, own.engine, p)
	if err != nil {
		return nil, errors.Join(err, own.engine.Close())
	}
	l := &inDocker{
		project: own, plan: p, images: set, facts: Facts{Lab: "docker", Image: set.gateway.ID, How: set.gateway.How},
	}
	l.contained = &contained{lab: l, hop: p.inner()}
	if p.Front != nil {
		l.front = &contained{lab: l, hop: p.outer()}
	}
	clock := record.StartClock() // the lab's; the run's begins later
	for _, r := range p.Backends.Members() {
		l.replicas = append(l.replicas, newReplica(r, l, clock))
	}
	return l, l.start(ctx)
}

// start starts backends and Toxiproxy first, then the links, then the gateway: gateways resolve the names of their
// upstreams when they start.
func (l *inDocker) start(ctx context.Context) error {
	if err := l.settleDown(ctx); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	l.facts.Reach = string(l.reach)
	steps := []func() error{
		about("gateway "+l.plan.Gateway.String(), func() error { return l.detect(ctx, l.images.gateway) }),
		about("toxiproxy", func() error { return l.startToxiproxy(ctx) }),
	}
	for _, r := range l.replicas {
		steps = append(steps, about("backend "+r.String(), func() error { return r.birth(ctx) }))
	}
	if err := together(steps...); err != nil {
		return err
	}
	if err := l.connectLinks(ctx); err != nil {
		return err
	}
	l.gateway = newGatewayProcess(l.replicas, l.contained)
	steps = []func() error{func() error { return l.startGateways(ctx) }}
	for _, r := range l.plan.Successors {
		steps = append(steps, about("successor of "+r.String(), func() error { return find(l.replicas, r).prepare(ctx) }))
	}
	if err := together(steps...); err != nil {
		return err
	}
	return parted(ctx, l.replicas)
}

// settleDown finds the lab a network: that of a sandbox, or one of its own.
func (l *inDocker) settleDown(ctx context.Context) (err error) {
	if l.plan.shares() {
		if l.sandbox, err = l.plan.Sandboxes.take(ctx, l.plan, l.images); err != nil {
			return err
		}
		l.sandbox.ours = l.images.backend
		l.reach, l.facts.Shared = l.sandbox.reach, l.sandbox.labs
		return nil
	}
	how := anyAddresses
	if l.plan.needs(fault.Network) {
		how = fixedAddresses
	}
	room := func(context.Context) (bool, error) { return false, nil }
	if l.plan.Sandboxes != nil {
		room = l.plan.Sandboxes.makeRoom
	}
	return l.openNetwork(ctx, how, room)
}

// startGateways starts the gateway and, once that serves, the one in front of it, if there is to be one: it is ready when it
// reaches a backend, and gets there by the other.
func (l *inDocker) startGateways(ctx context.Context) error {
	begin := func(c *contained, serving []gateways.Upstream) error {
		return about(c.hop.String(), func() error { return c.begin(ctx, serving) })()
	}
	if err := begin(l.contained, l.gateway.serving()); err != nil || l.front == nil {
		return err
	}
	return begin(l.front, l.plan.knownAs(func(door string) string { return door + portOf(l.plan.Gateway.Listen) }))
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

func (l *inDocker) Address() string {
	if l.front != nil {
		return l.front.Address()
	}
	return l.contained.Address()
}

func (l *inDocker) Gateway() fault.GatewayProcess { return l.gateway }

func (l *inDocker) Site(r topology.Replica) fault.Site {
	if known := find(l.replicas, r); known != nil {
		return known.site()
	}
	return fault.Site{}
}

func (l *inDocker) Facts() Facts { return l.facts }

func (l *inDocker) Arrivals(ctx context.Context, clock record.Clock) (all []record.Arrival, err error) {
	all, l.facts.ClockUncertainty, err = arrivals(ctx, l.replicas, clock)
	if l.sandbox != nil {
		l.sandbox.arrivals += len(all)
	}
	return all, err
}

func (l *inDocker) Log(ctx context.Context) ([]byte, error) { return l.contained.log(ctx) }

// Stop saves the logs of the gateways and removes the lab's containers, then its network. In a sandbox it ends the lab's processes,
// and leaves it to the next lab when nothing is there any more that was this one's alone.
func (l *inDocker) Stop(ctx context.Context) error {
	err := errors.Join(l.front.saveLog(ctx), l.contained.saveLog(ctx))
	shared := l.sandbox
	l.sandbox = nil
	var spoilt error
	if shared != nil {
		spoilt = shared.clear(ctx)
	}
	stuck, removeErr := l.remove(ctx)
	err = errors.Join(err, removeErr)
	if shared != nil {
		if spoilt = errors.Join(spoilt, removeErr); spoilt != nil {
			l.tell("the next scenario has a sandbox of its own, since this one could not be cleared: " + spoilt.Error())
		}
		more, leftErr := l.plan.Sandboxes.leave(ctx, shared, spoilt)
		stuck, err = append(stuck, more...), errors.Join(err, leftErr)
	}
	for _, what := range stuck {
		l.tell("the engine does not give up the empty " + what)
	}
	return err
}

func (l *inDocker) tell(what string) {
	if l.plan.Progress != nil {
		l.plan.Progress(what)
	}
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
