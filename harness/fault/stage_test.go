package fault_test

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/peer"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/lab"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// The stage of the table test: in each lab two replicas that the gateway reaches directly and two behind Toxiproxy. The
// first of a pair is broken, the second one must be spared.
var orders = topology.Replicas("orders", 4)

type stage struct {
	lab.Lab
	direct, spared, linked, sparedLinked topology.Replica
}

// onEachLab runs the test in each lab that can be had here.
func onEachLab(t *testing.T, test func(t *testing.T, s *stage)) {
	t.Helper()
	for _, name := range []string{"stdlib", "nginx@1.26"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, name))
		})
	}
}

func start(t *testing.T, gateway string) *stage {
	t.Helper()
	g := shipped(t, gateway)
	if !g.Embedded {
		if err := lab.Engine(t.Context()); err != nil {
			t.Skip(err)
		}
		if err := lab.Obtain(t.Context(), g, func(line string) { t.Log(line) }); err != nil {
			t.Skip(err)
		}
	}
	members := orders.Members()
	l, err := lab.Start(t.Context(), lab.Plan{
		Scenario: "table of faults", Gateway: g, Backends: orders, Links: members[2:], Dir: t.TempDir(),
	})
	if l != nil {
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			assert.NoError(t, l.Stop(ctx))
		})
	}
	require.NoError(t, err)
	if l.Facts().Reach == "published port" {
		t.Skip("the engine's own proxy stands between a peer and a backend, and rewrites resets")
	}
	return &stage{Lab: l, direct: members[0], spared: members[1], linked: members[2], sparedLinked: members[3]}
}

func shipped(t *testing.T, name string) gateways.Gateway {
	t.Helper()
	folders, err := gateways.Shipped()
	require.NoError(t, err)
	for _, f := range folders {
		for _, g := range f.Lines() {
			if g.String() == name {
				return g
			}
		}
	}
	t.Fatalf("no gateway %s is shipped", name)
	return gateways.Gateway{}
}

// A fault bites where it was put, misses where it was not, is gone when it is lifted, and says in its receipt what the
// peer has seen. Where nothing was injected, the same proof fails.
func TestFaults(t *testing.T) {
	onEachLab(t, func(t *testing.T, s *stage) {
		for _, name := range slices.Sorted(maps.Keys(table)) {
			t.Run(name, func(t *testing.T) { s.show(t, name, table[name]) })
		}
	})
}

func (s *stage) show(t *testing.T, name string, r row) {
	t.Helper()
	broken, spared := s.direct, s.spared
	if slices.Contains(r.fault.Acts().Needs, fault.Link) {
		broken, spared = s.linked, s.sparedLinked
	}
	site, other := s.Site(broken), s.Site(spared)
	require.NoError(t, r.fault.Validate())
	require.NoError(t, r.of.Validate())
	assert.True(t, fails(func(t peer.T) { r.bites(t, site.Dial) }), "the proof holds although nothing was injected")

	active, err := r.fault.Inject(t.Context(), site, fault.Order{ID: name, Of: r.of})
	require.NoError(t, err)
	r.bites(t, site.Dial)
	r.spares(t, other.Dial)
	require.NoError(t, active.Lift(t.Context()))
	require.NoError(t, active.Lift(t.Context()), "lifting may be repeated")
	r.spares(t, site.Dial)

	want := r.receipt
	want.Replica = broken.String()
	got := receipt(t, active, func(r record.Receipt) bool { return r.Requests >= want.Requests && r.Connections >= want.Connections })
	if want.Uncounted {
		assert.NotEmpty(t, got.Probe, "what nobody counts is proved by a probe")
	}
	got.Probe, got.Prevented, got.Waiting = "", 0, 0 // the backend may still see peers of the rows before hang up
	assert.Equal(t, want, got)
}

// receipt asks for a receipt until it is as wanted: the peer knows of an end before the backend has counted it.
func receipt(t *testing.T, of fault.Active, wanted func(record.Receipt) bool) record.Receipt {
	t.Helper()
	var got record.Receipt
	require.Eventually(t, func() bool {
		var err error
		got, err = of.Receipt(t.Context())
		return err == nil && wanted(got)
	}, peer.Patience, time.Millisecond, "receipt")
	return got
}

// fails reports whether a proof fails.
func fails(proof func(t peer.T)) bool {
	probe := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		proof(probe)
	}()
	<-done
	for _, clean := range slices.Backward(probe.cleanups) {
		clean()
	}
	return probe.failed
}

// recorder is whom a proof is given that is to fail.
type recorder struct {
	failed   bool
	cleanups []func()
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) FailNow()              { r.failed = true; runtime.Goexit() }
func (r *recorder) Helper()               {}
func (r *recorder) Cleanup(f func())      { r.cleanups = append(r.cleanups, f) }
