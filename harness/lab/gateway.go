package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/topology"
)

// gatewayProcess is the gateway in both labs: the list of backends that it was told of last, and what it runs in.
type gatewayProcess struct {
	// where is how a replica is reached in its current life.
	where   func(topology.Replica) gateways.Upstream
	members []topology.Replica // in the order of the list
	runner

	mu      sync.Mutex
	list    map[topology.Replica]gateways.Upstream
	stopped bool
}

// runner is what a gateway runs in.
type runner interface {
	Address() string
	// configure gives it the config for the backends that serve, whether it runs or not.
	configure(ctx context.Context, serving []gateways.Upstream) error
	// reload has it take its config over while it runs.
	reload(ctx context.Context) error
	// halt stops it in order; launch starts it after that, and may be repeated.
	halt(ctx context.Context) error
	launch(ctx context.Context) error
}

// newGatewayProcess returns a gateway that knows all replicas.
func newGatewayProcess(all []*replica, in runner) *gatewayProcess {
	g := &gatewayProcess{runner: in, list: map[topology.Replica]gateways.Upstream{}}
	g.where = func(r topology.Replica) gateways.Upstream { return find(all, r).upstream() }
	for _, r := range all {
		g.members = append(g.members, r.Replica)
		g.list[r.Replica] = r.upstream()
	}
	return g
}

// serving lists the backends that the gateway knows.
func (g *gatewayProcess) serving() []gateways.Upstream {
	var all []gateways.Upstream
	for _, r := range g.members {
		if upstream, serves := g.list[r]; serves {
			all = append(all, upstream)
		}
	}
	return all
}

func (g *gatewayProcess) Include(ctx context.Context, r topology.Replica) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !slices.Contains(g.members, r) {
		return fmt.Errorf("no backend %s", r)
	}
	g.list[r] = g.where(r)
	return g.tell(ctx)
}

func (g *gatewayProcess) Exclude(ctx context.Context, r topology.Replica) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	was, serves := g.list[r]
	if serves && len(g.list) == 1 {
		return errors.New(was.Name + " is the only backend that the gateway has: gateways do not start with none")
	}
	delete(g.list, r)
	return g.tell(ctx)
}

func (g *gatewayProcess) Reload(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tell(ctx)
}

func (g *gatewayProcess) tell(ctx context.Context) error {
	if err := g.configure(ctx, g.serving()); err != nil || g.stopped {
		return err
	}
	return g.reload(ctx)
}

func (g *gatewayProcess) Stop(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return nil
	}
	g.stopped = true // or may be before long, whatever the error says
	return g.halt(ctx)
}

func (g *gatewayProcess) Start(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.stopped {
		return nil
	}
	if err := g.launch(ctx); err != nil {
		return err
	}
	g.stopped = false
	return nil
}
