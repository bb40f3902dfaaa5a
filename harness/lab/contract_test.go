package lab

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
)

// What every lab promises to whoever starts it.
func TestContract(t *testing.T) {
	for _, name := range []string{"stdlib", "nginx@1.26", "nginx@1.30"} {
		t.Run(name, func(t *testing.T) {
			g := available(t, name)
			t.Run("run", func(t *testing.T) { testRun(t, g) })
			t.Run("cancelled", func(t *testing.T) { testCancelled(t, g) })
		})
	}
}

func testRun(t *testing.T, g gateways.Gateway) {
	dir := t.TempDir()
	l := start(t, planOf(g, dir))
	linked, direct := orders.Members()[0], orders.Members()[1]

	facts := l.Facts()
	t.Logf("%+v", facts)
	assert.NotEmpty(t, facts.Version)
	assert.NotEmpty(t, facts.Reach)
	assert.Equal(t, g.Embedded, facts.Lab == "inprocess")
	assert.Equal(t, g.Embedded, facts.Image == "" && facts.How == "")

	clock := record.StartClock()
	mix := load.Mix{load.GET("/orders"), load.POST("/orders")}
	calm := send(t, l, clock, load.Constant{Rate: 200, For: 400 * time.Millisecond, Request: mix})
	answered := map[string]int{}
	for _, r := range calm {
		assert.Equal(t, "200", r.Label(), "%+v", r)
		answered[r.Method+" "+r.Backend]++
	}
	assert.Len(t, answered, 4, "each method by each replica: %v", answered)

	cut := fault.CloseOnReuse{By: fault.FIN}
	posts := load.Constant{Rate: 100, For: 300 * time.Millisecond, Request: load.POST("/orders")}
	second, receipt := during(t, l.Site(direct), cut, func() []record.Request { return send(t, l, clock, posts) })
	assert.Positive(t, receipt.Requests)
	assert.NotEmpty(t, failed(second))

	// Each replica's turn comes every 125 ms. The backend has closed by then, and the FIN is under way for long after.
	stale := fault.StaleWindow{After: 50 * time.Millisecond, Held: 500 * time.Millisecond}
	sparse := load.Constant{Rate: 16, For: time.Second, Request: load.POST("/orders")}
	third, receipt := during(t, l.Site(linked), stale, func() []record.Request { return send(t, l, clock, sparse) })
	assert.Positive(t, receipt.Requests)
	assert.Contains(t, receipt.Probe, "held a FIN back")
	assert.NotEmpty(t, failed(third))

	arrivals, err := l.Arrivals(t.Context(), clock)
	require.NoError(t, err)
	checkArrivals(t, slices.Concat(calm, second, third), arrivals, l.Facts().ClockUncertainty)
	for _, a := range arrivals {
		switch a.Injection {
		case cut.String():
			assert.Equal(t, direct.String(), a.Backend)
		case stale.String():
			assert.Equal(t, linked.String(), a.Backend)
		}
	}
	assert.DirExists(t, filepath.Join(dir, ConfigDir))

	stop(t, l)
	assert.FileExists(t, filepath.Join(dir, LogFile))
	assert.NoError(t, l.Stop(t.Context()), "a second time")
}

// A start that is broken off at any instant leaves nothing.
func testCancelled(t *testing.T, g gateways.Gateway) {
	instants, step := 60, 100*time.Microsecond
	if !g.Embedded {
		instants, step = 8, 90*time.Millisecond
		// The images are had once for the process; it is the start that is to be broken off.
		engine, err := connect(t.Context())
		require.NoError(t, err)
		_, err = obtainAll(t.Context(), engine, planOf(g, ""))
		require.NoError(t, errors.Join(err, engine.Close()))
	}
	for i := range instants {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*step)
		l, err := Start(ctx, planOf(g, t.TempDir()))
		cancel()
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		if l != nil {
			stop(t, l)
		}
	}
}

// start starts a lab that is stopped at the end of the test if it has not been by then.
func start(t *testing.T, p Plan) Lab {
	t.Helper()
	began := time.Now()
	l, err := Start(t.Context(), p)
	t.Logf("%s: started in %d ms", p.Gateway, time.Since(began).Milliseconds())
	if l != nil {
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			assert.NoError(t, l.Stop(ctx))
		})
	}
	require.NoError(t, err)
	return l
}

// stop stops a lab and expects nothing to be left of it.
func stop(t *testing.T, l Lab) {
	t.Helper()
	began := time.Now()
	require.NoError(t, l.Stop(t.Context()))
	t.Logf("gone in %d ms", time.Since(began).Milliseconds())
	switch l := l.(type) {
	case *inDocker:
		assert.Empty(t, labelled(t, labelLab+"="+l.own[labelLab]))
	case *inProcess:
		for _, g := range []*embedded{l.embedded, l.front} {
			if g != nil {
				var dialer net.Dialer
				_, err := dialer.DialContext(t.Context(), "tcp", g.Address())
				assert.Error(t, err, "%s still listens", g.hop)
			}
		}
	}
}

// labelled lists what carries the label.
func labelled(t *testing.T, label string) []thing {
	t.Helper()
	engine, err := connect(t.Context())
	require.NoError(t, err)
	defer engine.Close()
	found, err := list(t.Context(), engine, label)
	require.NoError(t, err)
	return found
}

func send(t *testing.T, l Lab, clock record.Clock, c load.Constant) []record.Request {
	t.Helper()
	var seen []record.Request
	var dialer net.Dialer
	client := load.Client{
		Address: l.Address(), Dial: dialer.DialContext, Clock: clock, Patience: 5 * time.Second,
		Began: func(time.Duration) {}, Seen: func(r record.Request) { seen = append(seen, r) },
	}
	seed := uint64(clock.Now()) // another one for each load of a test, as it is part of the ids
	require.NoError(t, client.Run(t.Context(), c, seed))
	require.Len(t, seen, c.Count())
	return seen
}

// during injects a fault, whose words are its id, does something, and lifts the fault.
func during(t *testing.T, at fault.Site, f fault.Fault, do func() []record.Request) ([]record.Request, record.Receipt) {
	t.Helper()
	active, err := f.Inject(t.Context(), at, fault.Order{ID: f.String()})
	require.NoError(t, err)
	seen := do()
	require.NoError(t, active.Lift(t.Context()))
	receipt, err := active.Receipt(t.Context())
	require.NoError(t, err)
	assert.Equal(t, at.Replica.String(), receipt.Replica)
	return seen, receipt
}

func failed(all []record.Request) []record.Request {
	return slices.DeleteFunc(slices.Clone(all), func(r record.Request) bool { return !r.Failed() })
}

// checkArrivals compares what the backends saw with what the client saw.
func checkArrivals(t *testing.T, requests []record.Request, arrivals []record.Arrival, uncertainty time.Duration) {
	t.Helper()
	assert.Less(t, uncertainty, 50*time.Millisecond)
	arrived := map[string]record.Arrival{}
	reused := 0
	for _, a := range arrivals {
		arrived[a.ID] = a
		assert.Positive(t, a.Connection)
		if a.Position > 1 {
			reused++
		}
		if a.Action == record.Answered {
			assert.True(t, a.Intact, "%+v", a)
		}
	}
	assert.Positive(t, reused, "the gateway keeps connections")
	for _, r := range requests {
		if r.Failed() { // a gateway may answer by itself while it takes a backend for dead
			continue
		}
		a, ok := arrived[r.ID]
		assert.True(t, ok, "%+v did not arrive", r)
		assert.Equal(t, r.Backend, a.Backend)
		assert.Equal(t, r.Method, a.Method)
		assert.GreaterOrEqual(t, a.At, r.Sent-uncertainty, "on the run's clock")
		assert.LessOrEqual(t, a.At, r.Done+uncertainty, "on the run's clock")
	}
}
