package overload

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// A limiter behind the gateway turns a third of the requests away with 503, as a load balancer of a small class did to 678
// of 2000 (catalogue G1, field report 001). Those are passed on as they are and not tried again, which would only add to
// what is too much; and nobody else notices.
func TestLimiterBehind(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	limiter := fault.Window{
		On: orders.Each(), Of: fault.OfRequests(0.34), Inject: fault.ErrorStatus{Status: 503, RetryAfter: time.Second},
	}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Load:     steady(load.Mix{load.GET("/orders"), load.POST("/orders")}, 3*time.Second),
		Faults:   fault.Schedule{limiter},
		Expect: expect.All{
			expect.Failures(limiter.During()).Where(expect.Untouched()).None(),
			expect.FailuresBut(limiter.During(), 503).None(),
			expect.AttemptsOver(1, limiter.During()).None(),
		},
	})
}

// The gateway's own limit of 5 requests a second, asked for 50: one in ten passes, however they are counted, and at least
// half of that, or the limit makes the overload worse. Over 6 s that is 30 of 300, so that 5 % and 20 % lie well outside its
// interval. The others are told that it is their fault, by a 429 (RFC 6585, section 4): a 5xx would be counted among the
// failures of the backend (catalogue G2). Behind the limit there is nothing of them to be seen: what is counted there are the
// answers that clients have, so that the two counts tell where a 503 comes from (the run without the limit is X9's,
// field/uwsgi/TestPastTheLimiter).
func TestRateLimit(t *testing.T) {
	t.Parallel()
	harness.Run(t, harness.Scenario{
		Backends: topology.Replicas("orders", 1),
		Policy:   topology.Policy{RateLimit: 5},
		Load:     steady(load.GET("/orders"), 6*time.Second),
		Expect: expect.All{
			expect.Failures(whole).None(),
			expect.AttemptsOver(0, whole).AtMost(20 * expect.Percent),
			expect.Unserved(whole).AtMost(95 * expect.Percent),
			expect.Miscounted(whole).None(),
			limits,
		},
	})
}

// The same limit in a gateway in front, as the load balancer of the report was (catalogue G1, field report 001): what it turned
// away is not in the log of the gateway behind it, where everybody looked for it, and no more reaches a backend than clients have
// answers of.
func TestLimitInFront(t *testing.T) {
	t.Parallel()
	harness.Run(t, harness.Scenario{
		Backends: topology.Replicas("orders", 1),
		Front:    &topology.Front{Policy: topology.Policy{RateLimit: 5}},
		Load:     steady(load.GET("/orders"), 6*time.Second),
		Expect: expect.All{
			expect.Failures(whole).None(),
			expect.AttemptsOver(0, whole).AtMost(20 * expect.Percent),
			expect.Unserved(whole).AtMost(95 * expect.Percent),
			expect.Miscounted(whole).None(),
			expect.Misbooked(whole).None(),
			limits,
		},
	})
}

// At most 5 connections to the backend, and 2 s in which an answer takes half a second: 10 requests a second can be served, and 25 come, so that in
// 2 s 30 are too many. They have the 5 s of their client: they can wait until the backend is fast again, and need not be
// turned away; and no more is heard of it once the queue is gone (catalogue G4).
func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	slow := fault.Window{For: 2 * time.Second, On: orders.Each(), Inject: fault.DelayResponse{For: 500 * time.Millisecond}}
	calm := steady(load.GET("/orders"), 5*time.Second)
	calm.Rate = 25
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{UpstreamConnections: 5},
		Load:     calm,
		Faults:   fault.Schedule{slow},
		Expect: expect.All{
			expect.Failures(slow.During()).None(),
			expect.Recovery(slow.After(0)).Within(time.Second),
		},
	})
}

// More connections at once than the least that a gateway takes by default: 300 clients, each of which waits 2 s for its
// answer, take 600 connections of the gateway (catalogue G4, field report 004). All are answered. That all connect at once is
// for the warm-up, as it would hold the client up too; then they come within 600 ms, so that again all of them wait together.
// Nobody keeps a connection, which a gateway may close where it is short of them.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	slow := fault.Window{On: orders.Each(), Inject: fault.DelayResponse{For: 2 * time.Second}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Load: load.PhaseLocked{
			Connections: 300, Gaps: load.Sweep{To: 600 * time.Millisecond, Step: 10 * time.Millisecond},
			Use: load.PerRequest, Request: load.GET("/orders"), Warmup: time.Second, For: 3500 * time.Millisecond,
		},
		Faults: fault.Schedule{slow},
		Expect: expect.All{expect.Failures(slow.During()).None()},
	})
}
