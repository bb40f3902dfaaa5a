package lab

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/fixtures/toxiproxy"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// inProcess runs everything on loopback sockets of this process:
//
//	client -> [front ->] embedded gateway -> [Toxiproxy ->] backend -> journal file
type inProcess struct {
	plan     Plan
	toxic    *toxiproxy.Server
	replicas []*replica
	embedded *embedded
	front    *embedded // nil unless the plan has one
	gateway  *gatewayProcess
	facts    Facts

	mu     sync.Mutex
	places []*address
}

func startInProcess(ctx context.Context, p Plan) (Lab, error) {
	l := &inProcess{
		plan:  p,
		facts: Facts{Lab: "inprocess", Version: topology.Version(reverseproxy.Version()), Reach: "loopback"},
	}
	if len(p.Links) > 0 {
		var err error
		if l.toxic, err = toxiproxy.Start(ctx); err != nil {
			return l, err
		}
	}
	clock := record.StartClock()
	for _, r := range p.Backends.Members() {
		l.replicas = append(l.replicas, newReplica(r, l, clock))
	}
	var births []func() error
	for _, r := range l.replicas {
		births = append(births, func() error { return r.birth(ctx) })
	}
	if err := together(births...); err != nil {
		return l, err
	}
	if err := l.startGateways(ctx); err != nil {
		return l, err
	}
	return l, parted(ctx, l.replicas)
}

// startGateways starts the gateway and then the one in front of it, if there is to be one.
func (l *inProcess) startGateways(ctx context.Context) (err error) {
	if l.embedded, err = newEmbedded(l.plan.inner(), l.facts.Version, l.plan.Wrap); err != nil {
		return err
	}
	l.gateway = newGatewayProcess(l.replicas, l.embedded)
	if err := l.embedded.begin(ctx, l.gateway.serving()); err != nil || l.plan.Front == nil {
		return err
	}
	if l.front, err = newEmbedded(l.plan.outer(), l.facts.Version, reverseproxy.Wrap{}); err != nil {
		return err
	}
	return l.front.begin(ctx, l.plan.knownAs(func(string) string { return l.embedded.Address() }))
}

// settle starts a backend on free ports, behind a link of its own if the replica has one.
func (l *inProcess) settle(ctx context.Context, name string, r topology.Replica) (place, error) {
	at := l.open(&address{name: name, identity: r.String(), data: "127.0.0.1:0"})
	if err := at.start(ctx); err != nil || !slices.Contains(l.plan.Links, r) {
		return at, err
	}
	// What has begun is not broken off: the Toxiproxy might open the link after it was told to close them all.
	toxic := toxiproxy.Remote{Address: l.toxic.Address()}
	link, err := toxic.Connect(context.WithoutCancel(ctx), name, "127.0.0.1:0", at.data)
	at.toxics = &link
	return at, err
}

func (l *inProcess) usurp(_ context.Context, name string, of place, rules []backend.Rule) (place, func(context.Context) error, error) {
	old := of.(*address)
	at := l.open(&address{name: old.name + "-impostor", identity: name, data: old.data, rules: rules})
	return at, at.start, nil
}

// open prepares an address for its first process.
func (l *inProcess) open(at *address) *address {
	at.path = filepath.Join(l.plan.Dir, at.name+".journal")
	at.port = "127.0.0.1:0"
	l.mu.Lock()
	defer l.mu.Unlock()
	l.places = append(l.places, at)
	return at
}

func (l *inProcess) Gateway() fault.GatewayProcess { return l.gateway }

func (l *inProcess) Log(context.Context) ([]byte, error) { return os.ReadFile(l.embedded.log.Name()) }

// Tasks counts nothing: the gateway is a part of this process.
func (l *inProcess) Tasks(context.Context) (int, error) {
	return 0, errors.New("an embedded gateway has no processes of its own")
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", address)
}

func (l *inProcess) Address() string {
	switch {
	case l.front != nil:
		return l.front.Address()
	case l.embedded != nil:
		return l.embedded.Address()
	}
	return ""
}

func (l *inProcess) Site(r topology.Replica) fault.Site {
	if known := find(l.replicas, r); known != nil {
		return known.site()
	}
	return fault.Site{}
}

func (l *inProcess) Facts() Facts { return l.facts }

func (l *inProcess) Arrivals(ctx context.Context, clock record.Clock) (all []record.Arrival, err error) {
	all, l.facts.ClockUncertainty, err = arrivals(ctx, l.replicas, clock)
	return all, err
}

// Stop takes down in the reverse order of starting: the front before the gateway, and that before its backends. The arrivals
// are in the record, and the journals go.
func (l *inProcess) Stop(ctx context.Context) error {
	errs := []error{l.front.close(ctx), l.embedded.close(ctx)}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, at := range l.places {
		errs = append(errs, at.close())
	}
	l.places = nil
	if l.toxic != nil {
		errs = append(errs, l.toxic.Stop())
		l.toxic = nil
	}
	return errors.Join(errs...)
}
