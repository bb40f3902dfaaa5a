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

// converged is how soon after it was told a gateway must have taken a list of backends over. Traefik waits up to two seconds
// between two configurations by default (providersThrottleDuration), others take milliseconds.
const converged = 3 * time.Second

// A pod is replaced, and the gateway learns of it late: for the lag, half of what it sends goes to an address that refuses
// it (catalogue E1, E5). A refused connection has carried nothing, so every gateway could send the request to the other
// replica whatever its method. From the lag's end on nothing may fail. The lag is from the API server to the gateway:
// half a second is good, minutes have been seen.
func TestDeregistrationLag(t *testing.T) {
	t.Parallel()
	for lag, profile := range map[time.Duration]harness.Profile{
		500 * time.Millisecond: harness.CI, 2 * time.Second: harness.Nightly, 5 * time.Second: harness.Nightly,
	} {
		t.Run(lag.String(), func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			late := fault.Window{For: lag, On: orders.Replica(1), Inject: fault.Replace{}}
			clients := busy(load.Mix{load.GET("/orders"), load.POST("/orders")}, lag+converged+time.Second)
			// So that half a second holds 29 requests also where each takes 80 ms, as on a machine that does much else.
			clients.Connections, clients.Think = 6, 10*time.Millisecond
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Load:     clients,
				Faults:   fault.Schedule{late},
				Expect: expect.All{
					expect.Failures(late.During()).None(),
					expect.Recovery(late.After(0)).Within(converged),
				},
				Profile: profile,
			})
		})
	}
}

// No lag but the gateway's own: it is told, and at once the pod is asked to stop, which it does in order (catalogue E1 with
// a lag of 0). Whoever takes his time over the list sends to a pod that has gone. That is why pods sleep before they stop.
func TestNoPreStopDelay(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	leaves := fault.Window{From: time.Second, For: time.Second, On: orders.Replica(1), Inject: fault.ScaleDown{Grace: grace}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Load:     busy(load.GET("/orders"), 3*time.Second),
		Faults:   fault.Schedule{leaves},
		Expect:   expect.All{expect.Failures(run).None()},
	})
}

// grace is the time that a pod has to finish what is under way: six times what the longest request here takes.
const grace = 3 * time.Second

// A rollout as it should be (catalogue E1 in the inverse order, E5, E9): each replica in turn gets a successor, the list is
// told, and only after a pre-stop delay that is longer than a gateway may take to converge the old pod is asked to stop, and
// finishes what is under way. The list changes twice under load, and nothing may be lost or be done twice.
func TestRollingReplacement(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Load:     busy(load.Mix{load.GET("/orders"), load.POST("/orders")}, 6*time.Second),
		Faults: fault.Rolling(orders, 500*time.Millisecond, time.Second, converged+500*time.Millisecond,
			fault.Replace{ListFirst: true, Grace: grace}),
		Expect: expect.All{
			expect.Failures(run).None(),
			expect.DuplicateExecutions(run).None(),
		},
		Profile: harness.Smoke,
	})
}

// The pod's address belongs to somebody else by now, who answers what he does not know with 404 (catalogue E6, B6). No
// gateway can tell; a client that believes the answer takes an order for deleted.
func TestStaleAddress(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	foreign := fault.Window{For: 500 * time.Millisecond, On: orders.Replica(1), Inject: fault.StaleAddress{}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Load:     busy(load.GET("/orders"), 1500*time.Millisecond),
		Faults:   fault.Schedule{foreign},
		Expect:   expect.All{expect.Status(404, foreign.During()).None()},
	})
}

// The list has a successor, and the old pod is still there, as it is while it sleeps before it stops (catalogue E4): what
// is sent to it then is sent on connections that outlive the list, of either side. A pre-stop delay must be longer than
// that. Minutes have been seen (openshift/router#654).
func TestOldPodIsLetGo(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	listed := fault.Window{
		From: 500 * time.Millisecond, For: converged + time.Second, On: orders.Replica(1), Inject: fault.Replace{ListFirst: true, Grace: grace},
	}
	regulars := busy(load.GET("/orders"), converged+2*time.Second)
	regulars.Use = load.KeepAlive
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{UpstreamKeepAlive: topology.On},
		Load:     regulars,
		Faults:   fault.Schedule{listed},
		Expect:   expect.All{expect.Pinning("orders-1", listed.During()).Within(converged)},
	})
}
