package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/harness/wire"
)

// seen is how an address looks from outside, to somebody who knows nothing of faults.
type seen string

const (
	well     seen = "answers 200"
	foreign  seen = "answers 404"
	nobody   seen = "refuses, or does not open a connection"
	deaf     seen = "opens a connection and says nothing"
	unknown  seen = "something else"
	silently      = 500 * time.Millisecond
)

func look(t *testing.T, address string) seen {
	t.Helper()
	dialer := net.Dialer{Timeout: silently}
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		var timeout net.Error
		require.True(t, errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) ||
			errors.As(err, &timeout) && timeout.Timeout(), "%v", err)
		return nobody
	}
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(silently)))
	switch status, err := wire.Ask(conn, wire.ReadyPath); {
	case err == nil && status == 200:
		return well
	case err == nil && status == 404:
		return foreign
	case errors.Is(err, os.ErrDeadlineExceeded):
		return deaf
	default:
		t.Logf("%s: %d, %v", address, status, err)
		return unknown
	}
}

// breaks are the faults of processes, and what each must look like.
var breaks = []struct {
	fault fault.Fault
	// was is how the old address looks while the fault is in force, is the current one.
	was, is seen
	// ends tells what becomes of a connection that was open; one that does not end goes on when the fault is lifted.
	ends bool
	// born is how many lives the replica has begun by the end of it.
	born int
}{
	{fault: fault.Kill{}, was: nobody, is: nobody, ends: true, born: 1},
	{fault: fault.StopReplica{}, was: nobody, is: nobody, ends: true, born: 1},
	{fault: fault.StopReplica{Grace: 3 * time.Second}, was: nobody, is: nobody, ends: true, born: 1},
	{fault: fault.Pause{}, was: deaf, is: deaf},
	{fault: fault.Disconnect{}, was: nobody, is: nobody},
	{fault: fault.Replace{}, was: nobody, is: well, ends: true, born: 1},
	{fault: fault.Replace{Grace: 3 * time.Second}, was: nobody, is: well, ends: true, born: 1},
	{fault: fault.Replace{ListFirst: true}, was: well, is: well, ends: true, born: 1},
	{fault: fault.StaleAddress{}, was: foreign, is: well, ends: true, born: 1},
	{fault: fault.ScaleDown{}, was: nobody, is: nobody, ends: true, born: 1},
	{fault: fault.ScaleDown{StopFirst: true, Grace: 3 * time.Second}, was: nobody, is: nobody, ends: true, born: 1},
}

// A life that was begun beforehand is the next one, and counts only from then on.
func TestPreparedLife(t *testing.T) {
	started, err := Start(t.Context(), planFor(t, available(t, "stdlib")))
	t.Cleanup(func() { assert.NoError(t, started.Stop(context.Background())) })
	require.NoError(t, err)
	l := started.(*inProcess)
	r := l.replicas[0]
	before := r.site()
	require.NoError(t, r.prepare(t.Context()))
	assert.Equal(t, before.Dial, r.site().Dial, "it is not there yet")
	spare := r.spare.at.dial()
	next, err := r.Succeed(t.Context())
	require.NoError(t, err)
	assert.Equal(t, spare, next.Dial)
	assert.Len(t, r.lives, 2)
	again, err := r.Succeed(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, spare, again.Dial, "it was there once")
}

// One after another in one lab, every fault of a process bites, spares the other replica and is undone; and when all is
// over no life's journal lacks a line and every receipt is right.
func TestLives(t *testing.T) {
	for _, name := range []string{"stdlib", "nginx@1.26"} {
		t.Run(name, func(t *testing.T) { testLives(t, planFor(t, available(t, name))) })
	}
	var kept Sandboxes
	t.Cleanup(func() { assert.NoError(t, kept.Close(context.Background())) })
	for lab := range 2 {
		t.Run(fmt.Sprintf("nginx@1.26 in a sandbox, %d", lab+1), func(t *testing.T) {
			p := planFor(t, available(t, "nginx@1.26"))
			p.Sandboxes = &kept
			assert.Equal(t, lab, testLives(t, p).Facts().Shared)
		})
	}
}

// unfit says why a fault cannot be where the plan is carried out; empty if it can.
func unfit(p Plan, f fault.Fault) string {
	needs := f.Acts().Needs
	if p.Sandboxes != nil && slices.Contains(needs, fault.Network) {
		return "it is done to no network that others have after it"
	}
	return p.lacks(needs...)
}

func testLives(t *testing.T, p Plan) Lab {
	for _, b := range breaks {
		if unfit(p, b.fault) == "" {
			p.Needs = append(p.Needs, b.fault.Acts().Needs...)
		}
	}
	l := start(t, p)
	first, second := orders.Members()[0], orders.Members()[1]
	clock := record.StartClock()
	var requests []record.Request
	injected := map[string]fault.Active{}
	lives := 1
	for _, b := range breaks {
		t.Run(b.fault.String(), func(t *testing.T) {
			if reason := unfit(p, b.fault); reason != "" {
				t.Skip(reason)
			}
			before := l.Site(first)
			require.Equal(t, well, look(t, before.Dial))
			sent := beginSending(t, l, clock)
			sent.await(t, 20)
			open := hold(t, before.Dial)

			began := time.Now()
			active, err := b.fault.Inject(t.Context(), before, fault.Order{ID: b.fault.String()})
			require.NoError(t, err)
			t.Logf("injected in %d ms", time.Since(began).Milliseconds())
			assert.Equal(t, b.was, look(t, before.Dial), "the old address")
			assert.Equal(t, b.is, look(t, l.Site(first).Dial), "the current one")
			assert.Equal(t, well, look(t, l.Site(second).Dial), "the other replica")
			sent.await(t, 20)

			began = time.Now()
			require.NoError(t, active.Lift(t.Context()))
			t.Logf("lifted in %d ms", time.Since(began).Milliseconds())
			require.NoError(t, active.Lift(t.Context()), "a second time")
			assert.Equal(t, well, look(t, l.Site(first).Dial))
			if b.ends {
				open.requireEnd(t)
			} else {
				open.ask(t)
			}
			if b.is == well {
				assert.NotEqual(t, before.Dial, l.Site(first).Dial, "another address")
				assert.Equal(t, nobody, look(t, before.Dial), "the old one is nobody's")
			} else {
				assert.Equal(t, before.Dial, l.Site(first).Dial, "the same address")
			}
			requests = slices.Concat(requests, sent.all(t), healthy(t, l, clock))
			injected[b.fault.String()] = active
			lives += b.born
		})
	}
	arrivals, err := l.Arrivals(t.Context(), clock)
	require.NoError(t, err)
	last := checkJournals(t, requests, arrivals, l.Facts().ClockUncertainty)
	assert.Equal(t, map[string]int{"orders-1": lives, "orders-1-impostor": 1, "orders-2": 1}, last)
	checkReceipts(t, injected, arrivals)
	stop(t, l)
	return l
}

// The same where the way to a backend is not its own address: through the Toxiproxy, or through Docker's own proxy, which
// accept connections for the dead.
func TestLivesBehindAProxy(t *testing.T) {
	faults := []fault.Fault{fault.Kill{}, fault.Pause{}, fault.Replace{}, fault.StaleAddress{}, fault.ScaleDown{}}
	for _, name := range []string{"stdlib", "nginx@1.26"} {
		t.Run("toxiproxy/"+name, func(t *testing.T) {
			p := planFor(t, available(t, name), fault.FixedAddress, fault.List)
			p.Links = orders.Replica(1).Replicas()
			testProxied(t, p, faults...)
		})
	}
	t.Run("toxiproxy/nginx@1.26 in a sandbox", func(t *testing.T) {
		var kept Sandboxes
		t.Cleanup(func() { assert.NoError(t, kept.Close(context.Background())) })
		p := planFor(t, available(t, "nginx@1.26"), fault.FixedAddress, fault.List)
		p.Links, p.Sandboxes = orders.Replica(1).Replicas(), &kept
		testProxied(t, p, faults...)
	})
	t.Run("docker/nginx@1.26", func(t *testing.T) {
		p := planFor(t, available(t, "nginx@1.26"), fault.FixedAddress, fault.List, fault.Network)
		t.Setenv("BADGATEWAY_REACH", "published")
		testProxied(t, p, append(faults, fault.Disconnect{})...)
	})
}

func testProxied(t *testing.T, p Plan, faults ...fault.Fault) {
	l := start(t, p)
	first := orders.Members()[0]
	clock := record.StartClock()
	var requests []record.Request
	injected := map[string]fault.Active{}
	for _, f := range faults {
		sent := beginSending(t, l, clock)
		sent.await(t, 20)
		active, err := f.Inject(t.Context(), l.Site(first), fault.Order{ID: f.String()})
		require.NoError(t, err)
		sent.await(t, 20)
		require.NoError(t, active.Lift(t.Context()))
		requests = slices.Concat(requests, sent.all(t), healthy(t, l, clock))
		injected[f.String()] = active
	}
	address := l.Address()
	active, err := fault.StopGateway{}.Inject(t.Context(), gatewayOf(l), fault.Order{ID: "stop"})
	require.NoError(t, err)
	require.NoError(t, active.Lift(t.Context()))
	assert.Equal(t, address, l.Address())
	requests = append(requests, healthy(t, l, clock)...)

	arrivals, err := l.Arrivals(t.Context(), clock)
	require.NoError(t, err)
	last := checkJournals(t, requests, arrivals, l.Facts().ClockUncertainty)
	assert.Equal(t, map[string]int{"orders-1": 5, "orders-1-impostor": 1, "orders-2": 1}, last)
	checkReceipts(t, injected, arrivals)
	stop(t, l)
}

// checkReceipts compares what the faults say with what the journals say.
func checkReceipts(t *testing.T, of map[string]fault.Active, arrivals []record.Arrival) {
	t.Helper()
	for id, active := range of {
		receipt, err := active.Receipt(t.Context())
		require.NoError(t, err)
		t.Logf("%s: %+v", id, receipt)
		assert.NotEmpty(t, receipt.Probe)
		touched := 0
		for _, a := range arrivals {
			if a.Injection == id {
				touched++
				assert.Equal(t, receipt.Replica, a.Backend)
			}
		}
		assert.Equal(t, touched, receipt.Requests, id)
		misleads := id == fault.StaleAddress{}.String()
		assert.Equal(t, misleads, touched > 0, id)
		assert.Equal(t, !misleads, receipt.Uncounted, id)
	}
}

// planFor is a plan without links that meets these needs.
func planFor(t *testing.T, g gateways.Gateway, needs ...fault.Need) Plan {
	t.Helper()
	p := planOf(g, t.TempDir())
	p.Links, p.Needs = nil, needs
	if !g.Embedded { // nginx would leave a replica out for 10 s after one failure
		p.Policy.PassiveHealth = topology.PassiveHealth{Failures: 1000, Eject: time.Second}
	}
	return p
}

// held is a connection that was open before.
type held struct {
	net.Conn
	in *bufio.Reader
}

func hold(t *testing.T, address string) held {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	h := held{conn, bufio.NewReader(conn)}
	h.ask(t)
	return h
}

func (h held) ask(t *testing.T) {
	t.Helper()
	_, err := io.WriteString(h, "GET /held HTTP/1.1\r\nHost: orders\r\n"+wire.ID+": held\r\n\r\n")
	require.NoError(t, err)
	head, err := wire.ReadResponseHead(h.in)
	require.NoError(t, err)
	assert.Equal(t, 200, head.Status())
}

// requireEnd wants the connection to have been ended by whoever is gone.
func (h held) requireEnd(t *testing.T) {
	t.Helper()
	_, err := h.in.ReadByte()
	require.True(t, errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET), "%v", err)
	t.Logf("an open connection ended: %v", err)
}

// sending is a load that is sent beside what the test does, for as long as that takes.
type sending struct {
	end   context.CancelFunc
	seen  chan record.Request
	ended chan error
	taken []record.Request
}

func beginSending(t *testing.T, l Lab, clock record.Clock) *sending {
	t.Helper()
	endless := load.Constant{Rate: 100, For: time.Minute, Request: load.GET("/orders")}
	s := &sending{seen: make(chan record.Request, endless.Count()), ended: make(chan error, 1)}
	var dialer net.Dialer
	client := load.Client{
		Address: l.Address(), Dial: dialer.DialContext, Clock: clock, Patience: time.Minute,
		Began: func(time.Duration) {}, Seen: func(r record.Request) { s.seen <- r },
	}
	var ctx context.Context
	ctx, s.end = context.WithCancel(t.Context())
	t.Cleanup(s.end)
	go func() {
		defer close(s.seen)
		s.ended <- client.Run(ctx, endless, uint64(clock.Now()))
	}()
	return s
}

// await waits until the outcome of n more requests is known.
func (s *sending) await(t *testing.T, n int) {
	t.Helper()
	for range n {
		r, more := <-s.seen
		require.True(t, more, "the load is over")
		s.taken = append(s.taken, r)
	}
}

// all ends the load and returns every request of it; those under way were broken off.
func (s *sending) all(t *testing.T) []record.Request {
	t.Helper()
	s.end()
	for r := range s.seen {
		s.taken = append(s.taken, r)
	}
	require.ErrorIs(t, <-s.ended, context.Canceled)
	return s.taken
}

// healthy sends requests until a whole load of them was answered by both replicas and no one else, and returns all.
func healthy(t *testing.T, l Lab, clock record.Clock) (all []record.Request) {
	t.Helper()
	return servedBy(t, l, clock, orders.Members()...)
}

// servedBy sends requests until a whole load of them was answered by all of the replicas and no one else, and returns
// all. A gateway takes a new list over in its own time: the old workers of nginx may still take a connection, and close it.
func servedBy(t *testing.T, l Lab, clock record.Clock, replicas ...topology.Replica) (all []record.Request) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		by := map[string]int{}
		sent := send(t, l, clock, load.Constant{Rate: 200, For: 200 * time.Millisecond, Request: load.GET("/orders")})
		for _, r := range sent {
			by[r.Label()+" by "+r.Backend]++
		}
		all = append(all, sent...)
		serves := func(r topology.Replica) bool { return by["200 by "+r.String()] > 0 }
		if len(by) == len(replicas) && !slices.ContainsFunc(replicas, func(r topology.Replica) bool { return !serves(r) }) {
			return all
		}
		t.Log(by)
	}
	require.Fail(t, "the gateway does not come to be served by all of these and no others", "%v", replicas)
	return nil
}

// checkJournals wants every answer that came from a backend to be in its journal, and every life to have counted on. It
// returns the last life of each backend.
func checkJournals(
	t *testing.T, requests []record.Request, arrivals []record.Arrival, uncertainty time.Duration,
) map[string]int {
	t.Helper()
	type life struct {
		of     string
		number int32
	}
	count, last := map[life]int32{}, map[string]int{}
	arrived := map[string][]record.Arrival{}
	for _, a := range arrivals {
		in := life{a.Backend, a.Life}
		assert.Equal(t, count[in]+1, a.Sequence, "%+v", in)
		count[in] = a.Sequence
		last[a.Backend] = max(last[a.Backend], int(a.Life))
		arrived[a.ID] = append(arrived[a.ID], a)
	}
	labels := map[string]int{}
	for _, r := range requests {
		labels[r.Label()+" by "+r.Backend]++
		found := r.Backend == ""
		for _, a := range arrived[r.ID] {
			found = found || a.Backend == r.Backend && a.At >= r.Sent-uncertainty && a.At <= r.Done+uncertainty
		}
		assert.True(t, found, "%+v arrived as %+v", r, arrived[r.ID])
	}
	t.Log(labels, count, uncertainty)
	assert.Less(t, uncertainty, 50*time.Millisecond)
	return last
}

// The gateway's own process.
func TestGatewayProcess(t *testing.T) {
	for _, name := range []string{"stdlib", "nginx@1.26"} {
		t.Run(name, func(t *testing.T) {
			g := available(t, name)
			t.Run("stop", func(t *testing.T) { testStopGateway(t, g) })
			t.Run("reload", func(t *testing.T) { testReloadGateway(t, g) })
			t.Run("told while it is stopped", func(t *testing.T) { testToldWhileStopped(t, g) })
			t.Run("no backend left", func(t *testing.T) { testNoBackendLeft(t, g) })
		})
	}
}

func gatewayOf(l Lab) fault.Site { return fault.Site{Name: "gateway", Gateway: l.Gateway()} }

func testStopGateway(t *testing.T, g gateways.Gateway) {
	f := fault.StopGateway{}
	l := start(t, planFor(t, g, f.Acts().Needs...))
	clock := record.StartClock()
	healthy(t, l, clock)
	at := l.Address()
	active, err := f.Inject(t.Context(), gatewayOf(l), fault.Order{ID: "broken"})
	require.NoError(t, err)
	assert.Equal(t, nobody, look(t, at))
	for _, r := range orders.Members() {
		assert.Equal(t, well, look(t, l.Site(r).Dial))
	}
	require.NoError(t, active.Lift(t.Context()))
	require.NoError(t, active.Lift(t.Context()), "a second time")
	assert.Equal(t, at, l.Address())
	healthy(t, l, clock)
	receipt, err := active.Receipt(t.Context())
	require.NoError(t, err)
	t.Logf("%+v", receipt)
	assert.Equal(t, "gateway", receipt.Replica)
	stop(t, l)
}

func testReloadGateway(t *testing.T, g gateways.Gateway) {
	f := fault.ReloadGateway{Times: 3}
	l := start(t, planFor(t, g, f.Acts().Needs...))
	active, err := f.Inject(t.Context(), gatewayOf(l), fault.Order{ID: "broken"})
	require.NoError(t, err)
	require.NoError(t, active.Lift(t.Context()))
	healthy(t, l, record.StartClock())
	if !g.Embedded {
		log, err := l.Log(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 3, strings.Count(string(log), "signal 1 (SIGHUP) received"))
	}
	receipt, err := active.Receipt(t.Context())
	require.NoError(t, err)
	t.Logf("%+v", receipt)
	stop(t, l)
}

// Who is told something while it is stopped knows it when it starts.
func testToldWhileStopped(t *testing.T, g gateways.Gateway) {
	l := start(t, planFor(t, g, fault.FixedAddress, fault.List))
	gateway, first := l.Gateway(), l.Site(orders.Members()[0])
	require.NoError(t, gateway.Stop(t.Context()))
	_, err := first.Lives.Succeed(t.Context())
	require.NoError(t, err)
	require.NoError(t, first.Lives.Retire(t.Context(), 0))
	require.NoError(t, gateway.Include(t.Context(), first.Replica))
	require.NoError(t, gateway.Start(t.Context()))
	for _, r := range send(t, l, record.StartClock(), load.Constant{Rate: 200, For: 200 * time.Millisecond, Request: load.GET("/orders")}) {
		assert.Equal(t, "200", r.Label())
	}
	stop(t, l)
}

// What cannot be is refused, and nothing has changed.
func testNoBackendLeft(t *testing.T, g gateways.Gateway) {
	l := start(t, planFor(t, g, fault.FixedAddress, fault.List))
	first, second := orders.Members()[0], orders.Members()[1]
	_, err := fault.ScaleDown{}.Inject(t.Context(), l.Site(first), fault.Order{ID: "first"})
	require.NoError(t, err)
	_, err = fault.ScaleDown{}.Inject(t.Context(), l.Site(second), fault.Order{ID: "second"})
	require.ErrorContains(t, err, "scale down: orders-2: orders-2 is the only backend that the gateway has")
	assert.Equal(t, well, look(t, l.Site(second).Dial))
	servedBy(t, l, record.StartClock(), second)
	stop(t, l)
}

// A rollout in the order in which nothing is lost: the schedule runs as in a scenario.
func TestRollingReplacement(t *testing.T) {
	for _, name := range []string{"stdlib", "nginx@1.26"} {
		t.Run(name, func(t *testing.T) {
			replaced := fault.Replace{ListFirst: true, Grace: time.Second}
			rollout := fault.Rolling(orders, 200*time.Millisecond, 2*time.Second, time.Second, replaced)
			l := start(t, planFor(t, available(t, name), rollout.Needs()...))
			clock := record.StartClock()
			run, err := rollout.Apply(t.Context(), clock, fault.Field{Site: l.Site, Gateway: l.Gateway()}, 1)
			require.NoError(t, err)
			run.Begin(t.Context(), clock.Now())
			// A client's connection may be ended by a reload just when a request is on its way: that is the gateway's own affair.
			requests := send(t, l, clock, load.Constant{
				Rate: 100, For: 5 * time.Second, Request: load.GET("/orders"), Connections: load.PerRequest,
			})
			injections, err := run.End(t.Context())
			require.NoError(t, err)
			for _, i := range injections {
				t.Logf("%+v", i)
				assert.Empty(t, i.Error)
				assert.True(t, i.Bit())
			}
			assert.Empty(t, failed(requests))
			requests = append(requests, healthy(t, l, clock)...)
			arrivals, err := l.Arrivals(t.Context(), clock)
			require.NoError(t, err)
			last := checkJournals(t, requests, arrivals, l.Facts().ClockUncertainty)
			assert.Equal(t, map[string]int{"orders-1": 2, "orders-2": 2}, last)
			stop(t, l)
		})
	}
}

// What a rule has done is known when the process that knew it is gone. One that was still in force then has not acted for
// as long as it was to.
func TestReceiptsOutliveALife(t *testing.T) {
	l := start(t, planFor(t, available(t, "stdlib"), fault.FixedAddress))
	clock := record.StartClock()
	first := l.Site(orders.Members()[0])
	gone := fault.ErrorStatus{Status: 503}
	early, err := gone.Inject(t.Context(), first, fault.Order{ID: "early"})
	require.NoError(t, err)
	requests := send(t, l, clock, load.Constant{Rate: 100, For: 200 * time.Millisecond, Request: load.GET("/orders")})
	require.NoError(t, early.Lift(t.Context()))
	late, err := gone.Inject(t.Context(), first, fault.Order{ID: "late"})
	require.NoError(t, err)
	require.NoError(t, first.Process.Kill(t.Context()))
	require.NoError(t, first.Process.Start(t.Context()))

	receipt, err := early.Receipt(t.Context())
	require.NoError(t, err)
	assert.Equal(t, record.Receipt{Replica: "orders-1", Requests: 10}, receipt)
	require.NoError(t, late.Lift(t.Context()))
	_, err = late.Receipt(t.Context())
	require.EqualError(t, err, "life 1 of orders-1 ended while late was in force")
	_, err = first.Backend.Receipt(t.Context(), "never")
	require.EqualError(t, err, "life 1 of orders-1 ended before it was asked what never had done")
	requests = append(requests, healthy(t, l, clock)...)
	arrivals, err := l.Arrivals(t.Context(), clock)
	require.NoError(t, err)
	checkJournals(t, requests, arrivals, l.Facts().ClockUncertainty)
	stop(t, l)
}
