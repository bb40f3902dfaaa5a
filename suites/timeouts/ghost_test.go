package timeouts

import (
	"testing"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// The backend takes three times the timeout, and finishes what it has begun. Nobody can call that work back, but the
// gateway can close the connection, by which the backend may notice, and must not have the work done twice at a time
// (catalogue D6; traefik/traefik#13899). The load outlasts the work, so that what becomes of it is seen.
func TestGhostWork(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	slow := atFirst(orders, fault.DelayResponse{For: 3 * limit})
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   limited,
		Load:     steady(mixed, spell+4*limit),
		Faults:   fault.Schedule{slow},
		Expect: expect.All{
			expect.LostAnswers(slow.During()).None(),
			expect.DuplicateExecutions(slow.During()).None(),
		},
	})
}

// With two replicas, both slow, a second attempt comes while the first one is still worked at: every request would be
// executed twice, and wait twice as long. It is to be a 504 after one attempt; and when the slowness is over, two healthy
// replicas are to serve again, at the latest when the last of its requests has timed out (catalogue D1, D6, F3).
func TestTwoReplicas(t *testing.T) {
	for _, request := range []load.Request{load.GET("/orders"), load.POST("/orders")} {
		t.Run(request.Method, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			slow := atFirst(orders, fault.DelayResponse{For: 5 * limit})
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   limited,
				Load:     steady(request, 2*spell+2*limit),
				Faults:   fault.Schedule{slow},
				Expect: expect.All{
					expect.DuplicateExecutions(slow.During()).None(),
					expect.FailuresBut(slow.During(), 504).None(),
					expect.Failures(slow.After(2 * limit)).None(),
				},
			})
		})
	}
}

// The client's own deadline is a fifth of what the backend takes, and that is a fifth of the gateway's timeout: the outer
// one is the shorter, and what is left of the request is of no use to anybody. It is to end with the client (catalogue D5,
// with the client for the outer gateway, and D6; traefik/traefik#10282). The fault lasts for the whole run: what is delayed
// is answered at once when it is lifted, and might be to a client that gives up at that moment.
func TestOuterDeadlineIsShorter(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	slow := always(orders, fault.DelayResponse{For: limit})
	impatient := steady(mixed, spell)
	impatient.Timeout = limit / 5
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{ResponseTimeout: 5 * limit},
		Load:     impatient,
		Faults:   fault.Schedule{slow},
		Expect: expect.All{
			expect.LostAnswers(slow.During()).None(),
			expect.AttemptsOver(1, slow.During()).None(),
		},
	})
}
