package fault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// These tests run on a fake clock, so that every instant is exact and none takes any time.

const (
	injecting = 10 * time.Millisecond // what a stub takes for each replica
	lifting   = 20 * time.Millisecond
)

// ledger writes down what stubs do, and when.
type ledger struct {
	mu    sync.Mutex
	clock record.Clock
	lines []string
}

func (l *ledger) write(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// stub is a fault that breaks nothing and fails where it is told to.
type stub struct {
	name                  string
	ledger                *ledger
	inject, lift, receipt map[int]error // by replica
}

func (f stub) String() string  { return f.name }
func (f stub) Validate() error { return nil }
func (f stub) Acts() Act       { return Act{On: Replica, Holds: f.name} }

func (f stub) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	if err := pass(ctx, injecting); err != nil {
		return nil, err
	}
	if err := f.inject[at.Replica.Index]; err != nil {
		return nil, err
	}
	f.ledger.write("%s breaks %s", f.name, at.Replica)
	return stubActive{f, as.ID, at.Replica}, nil
}

type stubActive struct {
	stub
	id string
	at topology.Replica
}

func (a stubActive) Lift(ctx context.Context) error {
	if err := pass(ctx, lifting); err != nil {
		return err
	}
	if err := a.lift[a.at.Index]; err != nil {
		return err
	}
	a.ledger.write("%s lets go of %s", a.name, a.at)
	return nil
}

func (a stubActive) Receipt(context.Context) (record.Receipt, error) {
	return record.Receipt{Replica: a.at.String(), Probe: a.id}, a.receipt[a.at.Index]
}

// pass takes a time, unless the context ends before.
func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func stubSite(r topology.Replica) Site { return Site{Name: r.String(), Replica: r} }

// carry carries a schedule out as the harness does: applied, begun a second later, ended after a load of 4 s. cancel is
// when the run is interrupted, 0 for never, on the run's clock.
func carry(t *testing.T, s Schedule, clock record.Clock, cancel time.Duration) (applied error, _ []record.Injection, ended error) {
	t.Helper()
	ctx, interrupt := context.WithCancelCause(t.Context())
	defer interrupt(nil)
	if cancel > 0 {
		time.AfterFunc(cancel, func() { interrupt(errors.New("interrupted")) })
	}
	run, applied := s.Apply(ctx, clock, Field{Site: stubSite}, 0)
	if applied == nil {
		time.Sleep(time.Second - clock.Now())
		run.Begin(ctx, time.Second)
		_ = pass(ctx, 4*time.Second)
	}
	injections, ended := run.End(t.Context())
	return applied, injections, ended
}

func span(begin, end time.Duration) record.Span { return record.Span{Begin: begin, End: end} }

func at(seconds float64) time.Duration {
	return time.Duration(seconds*1000) * time.Millisecond
}

// Every window is applied and lifted when it should be, one replica after the other, and what is recorded is the time
// that it really took. The load begins at 1 s.
func TestWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := record.StartClock()
		l := &ledger{clock: clock}
		injections := func() []record.Injection {
			applied, injections, ended := carry(t, Schedule{
				{On: orders.Each(), Inject: stub{name: "always", ledger: l}},
				{For: 2 * time.Second, On: orders.Replica(2), Inject: stub{name: "first", ledger: l}},
				{From: time.Second, For: time.Second, On: orders.Each(), Inject: stub{name: "middle", ledger: l}},
				{From: 3 * time.Second, On: orders.Replica(1), Inject: stub{name: "last", ledger: l}},
			}, clock, 0)
			require.NoError(t, applied)
			require.NoError(t, ended)
			return injections
		}()
		assert.Equal(t, []record.Injection{
			{
				ID: "always on orders", Fault: "always", Target: "orders",
				Applied: span(0, at(0.02)), Lifted: span(at(5), at(5.04)),
				Receipts: []record.Receipt{{Replica: "orders-1", Probe: "always on orders"}, {Replica: "orders-2", Probe: "always on orders"}},
			},
			{
				ID: "first on orders-2", Fault: "first", Target: "orders-2", For: 2 * time.Second,
				Applied: span(at(0.02), at(0.03)), Lifted: span(at(3), at(3.02)),
				Receipts: []record.Receipt{{Replica: "orders-2", Probe: "first on orders-2"}},
			},
			{
				ID: "middle on orders from 1s", Fault: "middle", Target: "orders", From: time.Second, For: time.Second,
				Applied: span(at(2), at(2.02)), Lifted: span(at(3), at(3.04)),
				Receipts: []record.Receipt{
					{Replica: "orders-1", Probe: "middle on orders from 1s"}, {Replica: "orders-2", Probe: "middle on orders from 1s"},
				},
			},
			{
				ID: "last on orders-1 from 3s", Fault: "last", Target: "orders-1", From: 3 * time.Second,
				Applied: span(at(4), at(4.01)), Lifted: span(at(5.04), at(5.06)),
				Receipts: []record.Receipt{{Replica: "orders-1", Probe: "last on orders-1 from 3s"}},
			},
		}, injections)
		assert.Len(t, l.lines, 12, "each replica of each window is broken once and let go of once: %q", l.lines)
	})
}

// alone is a stub that ends the process.
type alone struct{ stub }

func (f alone) Acts() Act { return Act{On: Replica, Holds: "process", Alone: true} }

// What is done to a process lasts from when it is done, however long that took.
func TestProcessesAreGivenTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := record.StartClock()
		process := alone{stub{name: "end", ledger: &ledger{clock: clock}}}
		_, injections, ended := carry(t, Schedule{{From: time.Second, For: time.Second, On: orders.Each(), Inject: process}}, clock, 0)
		require.NoError(t, ended)
		assert.Equal(t, span(at(2), at(2.02)), injections[0].Applied)
		assert.Equal(t, at(3.02), injections[0].Lifted.Begin)
	})
}

// A schedule without windows is one too.
func TestNoWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		applied, injections, ended := carry(t, nil, record.StartClock(), 0)
		require.NoError(t, applied)
		require.NoError(t, ended)
		assert.Empty(t, injections)
	})
}

// A fault that fails on the second replica is undone on the first, does not go on to the third, and leaves its error in
// the record. Before the load begins it is the caller's too.
func TestInjectionThatFailsHalfway(t *testing.T) {
	three := topology.Replicas("orders", 3)
	for name, from := range map[string]time.Duration{"before the load": 0, "within the load": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &ledger{}
				fault := stub{name: "cut", ledger: l, inject: map[int]error{2: errors.New("no route")}}
				applied, injections, ended := carry(t, Schedule{{From: from, For: time.Second, On: three.Each(), Inject: fault}},
					record.StartClock(), 0)
				if from == 0 {
					require.EqualError(t, applied, "fault cut on orders: apply: no route")
				} else {
					require.NoError(t, applied)
				}
				require.NoError(t, ended)
				assert.Equal(t, []string{"cut breaks orders-1", "cut lets go of orders-1"}, l.lines)
				require.Len(t, injections, 1)
				assert.Equal(t, "apply: no route", injections[0].Error)
				assert.Len(t, injections[0].Receipts, 1)
			})
		})
	}
}

// Nothing that went wrong is lost from the record, least of all what went wrong first.
func TestEveryErrorIsRecorded(t *testing.T) {
	for name, test := range map[string]struct {
		fault stub
		want  string
		ended string
	}{
		"lift": {
			stub{lift: map[int]error{1: errors.New("no answer")}},
			"lift: it may still be in force: no answer", "fault cut on orders: lift: it may still be in force: no answer",
		},
		"lift on both": {
			stub{lift: map[int]error{1: errors.New("no answer"), 2: errors.New("timeout")}},
			"lift: it may still be in force: no answer\nit may still be in force: timeout",
			"fault cut on orders: lift: it may still be in force: no answer\nit may still be in force: timeout",
		},
		"receipt": {
			stub{receipt: map[int]error{2: errors.New("lost")}},
			"receipt: lost", "fault cut on orders: receipt: lost",
		},
		"apply, then lift": {
			stub{inject: map[int]error{2: errors.New("no route")}, lift: map[int]error{1: errors.New("no answer")}},
			"apply: no route; lift: it may still be in force: no answer", "fault cut on orders: lift: it may still be in force: no answer",
		},
		"lift, then receipt": {
			stub{lift: map[int]error{1: errors.New("no answer")}, receipt: map[int]error{1: errors.New("lost")}},
			"lift: it may still be in force: no answer; receipt: lost",
			"fault cut on orders: lift: it may still be in force: no answer\nfault cut on orders: receipt: lost",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.fault.name, test.fault.ledger = "cut", &ledger{}
				_, injections, ended := carry(t, Schedule{{On: orders.Each(), Inject: test.fault}}, record.StartClock(), 0)
				require.EqualError(t, ended, test.ended)
				require.Len(t, injections, 1)
				assert.Equal(t, test.want, injections[0].Error)
			})
		})
	}
}

// Whenever a run is interrupted, all that was broken is let go of: End has a context of its own.
func TestInterruptedRunIsUndone(t *testing.T) {
	for name, test := range map[string]struct {
		after time.Duration
		want  []string
	}{
		"while the first is applied": {at(0.015), []string{"always breaks orders-1", "always lets go of orders-1"}},
		"between windows": {at(1.5), []string{
			"always breaks orders-1", "always breaks orders-2", "always lets go of orders-1", "always lets go of orders-2",
		}},
		"while a window is applied": {at(2.015), []string{
			"always breaks orders-1", "always breaks orders-2", "middle breaks orders-1",
			"always lets go of orders-1", "always lets go of orders-2", "middle lets go of orders-1",
		}},
		"within a window": {at(2.5), []string{
			"always breaks orders-1", "always breaks orders-2", "middle breaks orders-1", "middle breaks orders-2",
			"always lets go of orders-1", "always lets go of orders-2", "middle lets go of orders-1", "middle lets go of orders-2",
		}},
		"while a window is lifted": {at(3.015), []string{
			"always breaks orders-1", "always breaks orders-2", "middle breaks orders-1", "middle breaks orders-2",
			"middle lets go of orders-1", "middle lets go of orders-2", "always lets go of orders-1", "always lets go of orders-2",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &ledger{}
				_, injections, ended := carry(t, Schedule{
					{On: orders.Each(), Inject: stub{name: "always", ledger: l}},
					{From: time.Second, For: time.Second, On: orders.Each(), Inject: stub{name: "middle", ledger: l}},
				}, record.StartClock(), test.after)
				require.NoError(t, ended)
				assert.Equal(t, test.want, l.lines)
				assert.Len(t, injections, 2, "one that never came is in the record too")
			})
		})
	}
}
