package connect

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/topology"
)

// onConnect asks for further attempts where there was no connection: nothing was sent, so they are safe.
func onConnect(retries int) topology.Policy {
	return topology.Policy{Retries: retries, RetryOn: []topology.Cause{topology.OnConnect}}
}

// soon is what an answer may take where nothing has to be waited for.
const soon = 800 * time.Millisecond

// The only backend refuses connections for 1.3 s (catalogue B1; traefik/traefik#9618). Nobody can answer, so it is told
// with 502 or 503, and soon: a refusal takes less than a millisecond, and 800 ms are a thousand times that, and less than
// the second that some gateways wait before they try again. The backend is back at once, and 500 ms later so must be the
// gateway, a busy machine included: no gateway puts its last backend aside (httpd neither, whose retry is 60 s by default).
func TestRefused(t *testing.T) {
	orders := topology.Replicas("orders", 1)
	refuses := fault.Window{For: 1300 * time.Millisecond, On: orders.Each(), Inject: fault.RefuseConnections{}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Load:     crowd(time.Second, 3200*time.Millisecond),
		Faults:   fault.Schedule{refuses},
		Expect: expect.All{
			expect.FailuresBut(refuses.During(), 502, 503).None(),
			expect.Slower(soon, refuses.During()).None(),
			expect.Recovery(refuses.After(0)).Within(500 * time.Millisecond),
		},
	})
}

// One of three backends refuses connections (catalogue B2; kubernetes/ingress-nginx#2846). A further attempt, on another
// one, hides it from everybody; without any, one request in three fails.
func TestFailover(t *testing.T) {
	for name, policy := range map[string]topology.Policy{"default": {}, "retries": onConnect(2)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 3)
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   policy,
				Load:     serial(both),
				Faults:   fault.Schedule{{On: orders.Replica(2), Inject: fault.RefuseConnections{}}},
				Expect: expect.All{
					expect.Failures(always).None(),
					expect.Slower(soon, always).None(),
				},
				Profile: harness.Smoke,
			})
		})
	}
}

// Three of five refuse (catalogue B2; kubernetes/ingress-nginx#3639, where three attempts were one too few). Four attempts,
// each on another backend, must find one that is there: no request fails.
func TestFailoverOfMost(t *testing.T) {
	orders := topology.Replicas("orders", 5)
	var refuse fault.Schedule
	for i := range 3 {
		refuse = append(refuse, fault.Window{On: orders.Replica(2 + i), Inject: fault.RefuseConnections{}})
	}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   onConnect(3),
		Load:     serial(both),
		Faults:   refuse,
		Expect: expect.All{
			expect.Failures(always).None(),
			expect.Slower(soon, always).None(),
		},
	})
}
