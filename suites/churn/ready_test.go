package churn

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// A new pod is listed before it is ready: it accepts connections, and answers 503 to everything, its health check included
// (catalogue E7). To hide that takes a second attempt on 503, or a gateway that looks at health itself. A pod that does not
// even accept connections is TestDeregistrationLag.
func TestTrafficBeforeReady(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]topology.Policy{
		"default": {},
		"retried": {Retries: 1, RetryOn: []topology.Cause{topology.OnStatus}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			starting := fault.Window{On: orders.Replica(2), Inject: fault.ErrorStatus{Status: 503}}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   policy,
				Load:     busy(load.GET("/orders"), 1500*time.Millisecond),
				Faults:   fault.Schedule{starting},
				Expect:   expect.All{expect.Failures(starting.During()).None()},
			})
		})
	}
}

// With a health check every half second the pod must be left alone soon. HAProxy believes the third failure, after one and
// a half seconds; the bound leaves as much again for a busy machine. The checks fail a little later than the requests: a check
// that comes first would have the pod left alone before anybody was told 503, and there would be nothing to time.
func TestHealthCheckSeesUnready(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	starting := fault.Window{On: orders.Replica(2), Inject: fault.ErrorStatus{Status: 503}}
	unhealthy := fault.Window{From: 300 * time.Millisecond, On: orders.Replica(2), Inject: fault.FailHealthChecks{Status: 503}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{ActiveHealth: topology.ActiveHealth{Path: "/__ready", Interval: 500 * time.Millisecond}},
		Load:     busy(load.GET("/orders"), 4500*time.Millisecond),
		Faults:   fault.Schedule{starting, unhealthy},
		Expect:   expect.All{expect.Ejection(starting.During()).Within(3 * time.Second)},
	})
}

// Every backend is gone for a second, and all come back at once (catalogue E12; field report 004). Meanwhile a client should
// be told so by a fitting status. A second after the return nothing may fail any more: the backends are well, and whoever
// still thinks ill of them makes the outage longer. Nor may the return be met by a storm of retries.
func TestAllBackendsDownAndBack(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	down := fault.Window{From: 500 * time.Millisecond, For: time.Second, On: orders.Each(), Inject: fault.RefuseConnections{}}
	// So that the 1.5 s behind the second in which all must be well hold 29 requests also where each takes 190 ms.
	clients := busy(load.GET("/orders"), 4*time.Second)
	clients.Connections, clients.Think = 4, 10*time.Millisecond
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{UpstreamKeepAlive: topology.Off}, // so that no connection that is open goes on being used
		Load:     clients,
		Faults:   fault.Schedule{down},
		Expect: expect.All{
			expect.FailuresBut(run, 502, 503, 504).None(),
			expect.Recovery(down.After(0)).Within(time.Second),
			expect.AttemptsPerRequest(down.After(0)).AtMost(1.2),
		},
	})
}
