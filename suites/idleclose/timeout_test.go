package idleclose

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// Real idle timeouts are 5 s (Node) against 60 s (nginx); only their order matters, not their length. Before the fix the
// backend gives up after 50 ms and requests come 60 to 80 ms after the last answer: a busy machine can only make that
// longer. The fix lets the gateway give up 140 ms before a backend that waits for 150 ms: more than a busy machine holds a
// timer back.
const (
	hastyIdle   = 50 * time.Millisecond
	backendIdle = 150 * time.Millisecond
	gatewayIdle = 10 * time.Millisecond
)

// overdue sends, on one connection so that the gateway needs no more, each request when the pooled one has run out. One
// takes some 75 ms, and 150 ms or more if it has to wait for something: in 7.5 s that is well over the 29 that a promise needs.
func overdue(what load.Source) load.PhaseLocked {
	gaps := load.Sweep{From: 60 * time.Millisecond, To: 80 * time.Millisecond, Step: time.Millisecond}
	return load.PhaseLocked{Connections: 1, Gaps: gaps, For: 7500 * time.Millisecond, Request: what}
}

// atTheEdge sends requests from 10 ms before to 10 ms after the backend's timeout, where the race is, phase-locked to the
// last answer: 50 of them, and a thousand at night.
func atTheEdge(what load.Source) load.PhaseLocked {
	edge := load.PhaseLocked{
		Connections: 2,
		Gaps:        load.Sweep{From: backendIdle - gatewayIdle, To: backendIdle + gatewayIdle, Step: time.Millisecond},
		For:         4 * time.Second,
		Request:     what,
	}
	if harness.Running() == harness.Nightly {
		edge.Connections, edge.For = 5, 40*time.Second
	}
	return edge
}

// beforeAndAfter promises, for GET and POST, that nobody notices a backend that gives connections up when they were unused
// for a time: before the fix, when the gateway keeps them as long as it likes, and after it, when it gives them up first.
// The fix leaves no connection to bite: a GET must not even need a second attempt.
func beforeAndAfter(t *testing.T, giveUp func(idle time.Duration) fault.Fault) {
	t.Helper()
	for _, request := range []load.Request{load.GET("/orders"), load.POST("/orders")} {
		run := func(name string, policy topology.Policy, idle time.Duration, l load.Load, more ...func(fault.Window) expect.Expectation) {
			t.Run(request.Method+"-"+name, func(t *testing.T) {
				t.Parallel()
				orders := topology.Replicas("orders", 1)
				idle := fault.Window{On: orders.Each(), Inject: giveUp(idle)}
				promises := expect.All{expect.Failures(idle.During()).None()}
				for _, promise := range more {
					promises = append(promises, promise(idle))
				}
				harness.Run(t, harness.Scenario{
					Backends: orders, Policy: policy, Load: l, Faults: fault.Schedule{idle}, Expect: promises,
				})
			})
		}
		untouched := func(idle fault.Window) expect.Expectation { return expect.RequestsTouched(idle.During()).None() }
		fixed := topology.Policy{UpstreamKeepAlive: topology.On, UpstreamIdleTimeout: gatewayIdle}
		run("before", pooled, hastyIdle, overdue(request))
		run("after", fixed, backendIdle, atTheEdge(request), untouched)
	}
}

// The race on every connection that has been idle for too long, and its fix (catalogue A1): the fix leaves the fault no
// connection to bite.
func TestRace(t *testing.T) {
	t.Parallel()
	beforeAndAfter(t, func(idle time.Duration) fault.Fault { return fault.CloseOnReuse{By: fault.FIN, Idle: idle} })
}

// The same with real timeouts and a real FIN, which the link holds back for longer than the gap between requests, so
// that the gateway's pool holds dead connections it cannot tell from live ones (catalogue A2). A request that a busy machine
// holds up in the gateway for some 70 ms more meets the FIN there: then no backend ever hears of it, and no fault counts it.
func TestStaleWindow(t *testing.T) {
	t.Parallel()
	beforeAndAfter(t, func(idle time.Duration) fault.Fault {
		return fault.StaleWindow{After: idle, Held: 100 * time.Millisecond}
	})
}

// A backend may say 408 before it closes an unused connection. That is no answer to anything: a gateway that has had it for
// 180 ms before it has the next request must have thrown the connection away (catalogue A9; golang/go#32310). A busy machine had
// one request of some two thousand meet it after 80 ms.
func TestTimeoutSaidInTime(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	said := fault.Window{On: orders.Each(), Inject: fault.UnsolicitedTimeout{After: 20 * time.Millisecond}}
	gaps := load.Sweep{From: 200 * time.Millisecond, To: 220 * time.Millisecond, Step: time.Millisecond}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   pooled,
		Load:     load.PhaseLocked{Connections: 1, Gaps: gaps, For: 10 * time.Second, Request: anyMethod},
		Faults:   fault.Schedule{said},
		Expect: expect.All{
			expect.Failures(said.During()).None(),
			expect.Status(408, said.During()).None(),
		},
	})
}

// The same 408 on its way while the request is on its own: the link holds it back for 100 ms, so that the gateway, which has
// the last answer since then, has it 120 ms after that answer, and requests come after 60 to 80 ms. No client may be told
// that it was too slow with a request that no backend has read (catalogue A9). A request that is held up for some 20 ms more may
// meet the 408 in the gateway when the link has already lost the connection behind it: then no backend ever hears of it, and no
// fault counts it.
func TestTimeoutUnderWay(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	late := fault.Window{On: orders.Each(), Inject: fault.LinkLatency{Latency: 100 * time.Millisecond}}
	said := fault.Window{On: orders.Each(), Inject: fault.UnsolicitedTimeout{After: 120 * time.Millisecond}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   pooled,
		Load:     overdue(anyMethod),
		Faults:   fault.Schedule{late, said},
		Expect: expect.All{
			expect.Status(408, said.During()).None(),
			expect.Waive("answers that no backend gave", "a 408 that the backend gave nobody is what the promise above is about"),
		},
	})
}

// A gateway that waits 500 ms for a backend's next byte must begin to count when it has something to wait for. Here an
// answer takes 100 ms, and the connection that the request goes out on was unused for 420 ms, so that a clock which began
// with the end of the last answer runs out in the middle (catalogue A8; traefik/traefik#13899). Three connections in step
// make some 42 requests in 7.5 s; they are POSTs, since a GET would be sent again and fall out of step.
func TestReadTimeoutBeginsWithTheRequest(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	slow := fault.Window{On: orders.Each(), Inject: fault.DelayResponse{For: 100 * time.Millisecond}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{UpstreamKeepAlive: topology.On, ReadTimeout: 500 * time.Millisecond},
		Load:     load.Closed{Connections: 3, Think: 420 * time.Millisecond, For: 7500 * time.Millisecond, Request: load.POST("/orders")},
		Faults:   fault.Schedule{slow},
		Expect:   expect.All{expect.Failures(slow.During()).None()},
	})
}
