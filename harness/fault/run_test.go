package fault

import (
	"context"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// On real backends the windows come and go when they should, and the receipts count what the peer has seen.
func TestScheduleOnRealBackends(t *testing.T) {
	t.Parallel()
	w := startBackends(t)
	clock := record.StartClock()
	schedule := Schedule{
		{On: orders.Replica(1), Inject: CloseOnReuse{By: FIN}},
		{From: 100 * time.Millisecond, For: 200 * time.Millisecond, On: orders.Replica(2), Inject: CloseOnReuse{By: RST}},
	}
	require.NoError(t, schedule.Validate(orders, time.Second, 10))
	run, err := schedule.Apply(t.Context(), clock, w.field(), 1)
	require.NoError(t, err)
	w.requireCut(t, replica(1), FIN)
	reused(t, w, replica(2))

	start := clock.Now()
	run.Begin(t.Context(), start)
	began := w.awaitCut(t, clock, replica(2), true)
	ended := w.awaitCut(t, clock, replica(2), false)
	w.requireCut(t, replica(1), FIN)
	injections, err := run.End(t.Context())
	require.NoError(t, err)
	reused(t, w, replica(1))

	require.Len(t, injections, 2)
	always, window := injections[0], injections[1]
	assert.Equal(t, schedule[0].ID(), always.ID)
	assert.Less(t, always.Applied.End, start, "before the first request")
	assert.Greater(t, always.Lifted.Begin, ended.last)
	assert.Equal(t, 2, always.Total().Requests)

	assert.Equal(t, schedule[1].ID(), window.ID)
	assert.GreaterOrEqual(t, window.Applied.Begin, start+100*time.Millisecond)
	assert.GreaterOrEqual(t, window.Lifted.Begin, start+300*time.Millisecond)
	assert.LessOrEqual(t, window.Applied.Begin, began.last, "it bit once it was applied")
	assert.LessOrEqual(t, window.Lifted.Begin, ended.last, "and not once it was lifted")
	assert.Equal(t, began.cut+ended.cut, window.Total().Requests, "the receipt is what the peer has seen")
	assert.Empty(t, always.Error+window.Error)
}

// observed is what a peer saw: how many requests were cut off, and when the last one ended.
type observed struct {
	cut  int
	last time.Duration
}

// awaitCut sends pairs of requests until the second one of a pair is cut off, or is not.
func (w *world) awaitCut(t *testing.T, clock record.Clock, r topology.Replica, cut bool) observed {
	t.Helper()
	var seen observed
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		p := w.dial(t, r)
		require.NoError(t, p.Ask("r"))
		err := p.Ask("r")
		require.NoError(t, p.TCP.Close())
		seen.last = clock.Now()
		if err != nil {
			seen.cut++
		}
		if (err != nil) == cut {
			return seen
		}
	}
	t.Fatalf("never came: a request that is cut off: %t", cut)
	return seen
}

// The backend that cannot be told stands for a control port that has gone: the first replica must not stay broken.
func TestSecondReplicaCannotBeReached(t *testing.T) {
	t.Parallel()
	w := startBackends(t)
	second := w.sites[replica(2)]
	second.Backend = backend.Remote{Name: "orders-2", Address: closedPort(t)}
	w.sites[replica(2)] = second
	schedule := Schedule{{On: orders.Each(), Inject: CloseOnReuse{By: FIN}}}
	run, err := schedule.Apply(t.Context(), record.StartClock(), w.field(), 1)
	require.ErrorContains(t, err, "fault close-on-reuse by FIN on orders: apply: backend orders-2: ")
	w.requireCut(t, replica(1), FIN)

	injections, err := run.End(t.Context())
	require.ErrorContains(t, err, "lift: it may still be in force: backend orders-2: ", "nobody knows about the second")
	reused(t, w, replica(1))
	reused(t, w, replica(2))
	require.Len(t, injections, 1)
	assert.Contains(t, injections[0].Error, "apply: backend orders-2: ")
	assert.Contains(t, injections[0].Error, "connection refused")
	require.Len(t, injections[0].Receipts, 1)
	assert.Equal(t, "orders-1", injections[0].Receipts[0].Replica)
	assert.Equal(t, 1, injections[0].Receipts[0].Requests)
}

// An interrupted run leaves real backends and links as they were.
func TestInterruptedOnRealBackends(t *testing.T) {
	t.Parallel()
	w := startLinked(t)
	ctx, cancel := context.WithCancel(t.Context())
	clock := record.StartClock()
	schedule := Schedule{
		{For: time.Hour, On: orders.Replica(1), Inject: StaleWindow{After: idle, Held: 100 * time.Millisecond}},
		{From: time.Millisecond, For: time.Hour, On: orders.Replica(2), Inject: CloseOnReuse{By: RST}},
		{From: time.Hour, On: orders.Each(), Inject: CloseOnReuse{By: FIN}},
	}
	run, err := schedule.Apply(ctx, clock, w.field(), 1)
	require.NoError(t, err)
	run.Begin(ctx, clock.Now())
	w.awaitCut(t, clock, replica(2), true)
	cancel()

	injections, err := run.End(context.WithoutCancel(ctx))
	require.NoError(t, err)
	kept(t, w, replica(1))
	requireQuickFIN(t, w, replica(1))
	reused(t, w, replica(2))
	require.Len(t, injections, 3)
	assert.Equal(t, 1, injections[1].Total().Requests)
	assert.Empty(t, injections[2].Receipts)
	assert.Zero(t, injections[2].Applied)
	for _, i := range injections {
		assert.Empty(t, i.Error)
	}
}

// A schedule on links carries its proof into the record.
func TestStaleWindowInASchedule(t *testing.T) {
	t.Parallel()
	w := startLinked(t)
	clock := record.StartClock()
	schedule := Schedule{{On: orders.Each(), Inject: StaleWindow{After: idle, Held: 200 * time.Millisecond}}}
	run, err := schedule.Apply(t.Context(), clock, w.field(), 1)
	require.NoError(t, err)
	run.Begin(t.Context(), clock.Now())
	p := w.dial(t, replica(2))
	require.NoError(t, p.Ask("r"))
	require.Equal(t, io.EOF, p.End())
	injections, err := run.End(t.Context())
	require.NoError(t, err)
	require.Len(t, injections, 1)
	assert.Equal(t, 1, injections[0].Total().Connections)
	for _, r := range injections[0].Receipts {
		requireHeld(t, 200*time.Millisecond, r.Probe)
	}
}

// A replica that does not answer is not broken any further: nothing could be said of what came then.
func TestUnhealthyReplicaIsNotBroken(t *testing.T) {
	t.Parallel()
	w := startBackends(t)
	_, err := FailHealthChecks{Status: 503}.Inject(t.Context(), w.site(replica(2)), theOrder)
	require.NoError(t, err)
	schedule := Schedule{{On: orders.Each(), Inject: CloseOnReuse{By: FIN}}}
	run, err := schedule.Apply(t.Context(), record.StartClock(), w.field(), 1)
	const want = "not applied: orders-2 does not answer: its readiness check answers 503"
	require.EqualError(t, err, "fault close-on-reuse by FIN on orders: "+want)
	reused(t, w, replica(1))
	injections, err := run.End(t.Context())
	require.NoError(t, err)
	assert.Equal(t, want, injections[0].Error)
	assert.False(t, injections[0].Bit())
}

// liar is a fault that says it was lifted, and was not.
type liar struct{ FailHealthChecks }

func (f liar) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	active, err := f.FailHealthChecks.Inject(ctx, at, as)
	return lie{active}, err
}

type lie struct{ Active }

func (lie) Lift(context.Context) error { return nil }

// Lifting is not believed: the replica must answer again.
func TestLiftIsVerified(t *testing.T) {
	t.Parallel()
	w := startBackends(t)
	schedule := Schedule{{On: orders.Replica(1), Inject: liar{FailHealthChecks{Status: 500}}}}
	run, err := schedule.Apply(t.Context(), record.StartClock(), w.field(), 1)
	require.NoError(t, err)
	injections, err := run.End(t.Context())
	const want = "lift: it may still be in force: orders-1 does not answer: its readiness check answers 500"
	require.EqualError(t, err, "fault health checks fail with 500 on orders-1: "+want)
	assert.Equal(t, want, injections[0].Error)
}

// Another fault that is in force on the replica speaks neither for nor against it.
func TestOverlappingFaultsAreLiftedOneByOne(t *testing.T) {
	t.Parallel()
	w := startBackends(t)
	schedule := Schedule{
		{On: orders.Replica(1), Inject: RefuseConnections{}},
		{For: time.Millisecond, On: orders.Replica(1), Inject: CloseOnReuse{By: FIN}},
		{On: orders.Replica(1), Inject: FailHealthChecks{Status: 500}},
	}
	require.NoError(t, schedule.Validate(orders, time.Second, 1))
	run, err := schedule.Apply(t.Context(), record.StartClock(), w.field(), 1)
	require.NoError(t, err)
	run.Begin(t.Context(), run.clock.Now())
	_, err = run.End(t.Context())
	require.NoError(t, err)
	reused(t, w, replica(1))
}

// A fault that takes its time to act, or to be undone, keeps whoever asks for it waiting, and not the client.
func TestClientDoesNotWaitForFaults(t *testing.T) {
	busy := newLifecycle(nil, Site{Name: "orders-1"}, Order{})
	r := &Run{sent: map[int]chan struct{}{}, open: []*window{{lives: []*lifecycle{busy}}}}
	busy.mu.Lock()
	asked := make(chan bool)
	go func() { asked <- r.acted(Site{Name: "orders-1"}) }()
	for n := range 1000 {
		r.Sent(n)
		runtime.Gosched()
	}
	busy.mu.Unlock()
	assert.False(t, <-asked)
}
