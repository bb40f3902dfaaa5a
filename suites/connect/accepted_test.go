package connect

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// Every connection is accepted and ended at once, as a balancer does that has nobody behind it (catalogue B7; Toxiproxy's
// proxy.go). No client may be left without an answer, and 500 ms after the end of it all is well, as for a refusal. By a FIN:
// a reset may come so early that the connection counts as refused, which would leave it to chance what is looked at.
func TestAcceptedThenEnded(t *testing.T) {
	orders := topology.Replicas("orders", 1)
	ends := fault.Window{For: 1300 * time.Millisecond, On: orders.Each(), Inject: fault.CloseOnAccept{By: fault.FIN}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Load:     crowd(time.Second, 3700*time.Millisecond),
		Faults:   fault.Schedule{ends},
		Expect: expect.All{
			expect.FailuresBut(ends.During(), 502, 503).None(),
			expect.Recovery(ends.After(0)).Within(500 * time.Millisecond),
		},
	})
}

// One of two backends does so, beside the policy by which TestFailover hides a refusal (catalogue B7): the gateway had a
// connection, so retries on connect failures need not cover it. The users' wish is the same: nobody notices. Only GETs are
// sent: whether the end comes before a gateway has begun to write is a race, and what becomes of a POST hangs on that.
func TestAcceptedThenEndedFailover(t *testing.T) {
	orders := topology.Replicas("orders", 2)
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   onConnect(1),
		Load:     serial(load.GET("/orders")),
		Faults:   fault.Schedule{{On: orders.Replica(2), Inject: fault.CloseOnAccept{By: fault.FIN}}},
		Expect:   expect.All{expect.Failures(always).None()},
	})
}
