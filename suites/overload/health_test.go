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

// A breaker for the only backend there is: after three failures it is left alone for a second, so that of the 100 requests
// of 2 s some ten meet it, three at a time. The others fail at once. A second after the backend is well it is found out, three
// at the latest (catalogue G3).
func TestBreaker(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	broken := fault.Window{For: 2 * time.Second, On: orders.Each(), Inject: fault.CloseBeforeResponse{By: fault.RST}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{PassiveHealth: topology.PassiveHealth{Failures: 3, Eject: time.Second}},
		Load:     steady(load.POST("/orders"), 6*time.Second),
		Faults:   fault.Schedule{broken},
		Expect: expect.All{
			expect.RequestsTouched(broken.During()).AtMost(40 * expect.Percent),
			expect.FailuresBut(broken.During(), 502, 503).None(),
			expect.Recovery(broken.After(0)).Within(3 * time.Second),
		},
	})
}

// checkEvery is how often the gateway asks for the backends' health.
const checkEvery = 200 * time.Millisecond

var checked = topology.Policy{ActiveHealth: topology.ActiveHealth{Path: "/__ready", Interval: checkEvery}}

// The health check of all backends asks a database that is away for 2 s, ten checks, and the requests do not: a gateway that
// believes it takes away what could have served. Nobody is to notice, and ten more checks later all is to be as it was
// (catalogue G6; field report 004 recommends such a check).
func TestDeepHealthCheck(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	away := fault.Window{
		From: time.Second, For: 10 * checkEvery, On: orders.Each(), Inject: fault.FailHealthChecks{Status: 503},
	}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   checked,
		Load:     steady(load.GET("/orders"), 6*time.Second),
		Faults:   fault.Schedule{away},
		Expect: expect.All{
			expect.Failures(away.During()).None(),
			expect.Recovery(away.After(0)).Within(10 * checkEvery),
		},
	})
}

// The control of it: while one of two backends fails its check, the other one serves (catalogue G6).
func TestOneUnhealthy(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	away := fault.Window{For: 10 * checkEvery, On: orders.Replica(1), Inject: fault.FailHealthChecks{Status: 503}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   checked,
		Load:     steady(load.GET("/orders"), 3*time.Second),
		Faults:   fault.Schedule{away},
		Expect:   expect.All{expect.Failures(whole).None()},
	})
}
