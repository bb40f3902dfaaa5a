package fault

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	require.NoError(t, schedule.Validate(orders, time.Second))
	run, err := schedule.Apply(t.Context(), clock, w.site)
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
		require.NoError(t, p.ask())
		err := p.ask()
		require.NoError(t, p.tcp.Close())
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
	second.Backend.Address = closedPort(t)
	w.sites[replica(2)] = second
	schedule := Schedule{{On: orders.Each(), Inject: CloseOnReuse{By: FIN}}}
	run, err := schedule.Apply(t.Context(), record.StartClock(), w.site)
	require.ErrorContains(t, err, "fault close-on-reuse by FIN on orders: apply: backend orders-2: ")
	w.requireCut(t, replica(1), FIN)

	injections, err := run.End(t.Context())
	require.NoError(t, err, "it could be lifted where it was applied")
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
	run, err := schedule.Apply(ctx, clock, w.site)
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
	run, err := schedule.Apply(t.Context(), clock, w.site)
	require.NoError(t, err)
	run.Begin(t.Context(), clock.Now())
	p := w.dial(t, replica(2))
	require.NoError(t, p.ask())
	require.Equal(t, io.EOF, p.end())
	injections, err := run.End(t.Context())
	require.NoError(t, err)
	require.Len(t, injections, 1)
	assert.Equal(t, 1, injections[0].Total().Connections)
	for _, r := range injections[0].Receipts {
		requireHeld(t, 200*time.Millisecond, r.Probe)
	}
}
