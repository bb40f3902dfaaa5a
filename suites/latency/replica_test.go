package latency

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// One of three replicas is far away. It slows its own share down, a third of the requests, less where the gateway prefers
// who answers soon; half is promised. Where replicas are drawn at random, 160 requests decide in 99 of 100 runs and 320 in all
// but one of 10,000, so it may be looked at twice.
func TestSlowReplica(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 3)
	slow := fault.Window{On: orders.Replica(2), Inject: fault.LinkLatency{Latency: far}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Load:     steady(mixed, 4*time.Second),
		Faults:   fault.Schedule{slow},
		Expect: expect.All{
			expect.Failures(slow.During()).None(),
			expect.AttemptsOver(1, slow.During()).None(),
			expect.Slower(near, slow.During()).AtMost(50 * expect.Percent),
		},
		Looks:   2,
		Profile: harness.Smoke,
	})
}

// One of three replicas is further away than the gateway waits. At most its share of the requests fails, or none where the
// gateway asks another one or leaves it alone; the other two go on as before, and so does everything once it is near again.
// A second attempt for a third of the requests makes 1.33 attempts each. Of 120 requests a gateway that draws lots sends 50 or
// more to the slow one in 3 % of all runs, which is too close to half of them to tell; then there is a second look.
func TestTooSlowReplica(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 3)
	slow := fault.Window{For: 3 * time.Second, On: orders.Replica(2), Inject: fault.DelayResponse{For: 5 * limit}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   limited,
		Load:     steady(mixed, 3*time.Second+limit+2*time.Second),
		Faults:   fault.Schedule{slow},
		Expect: expect.All{
			expect.Failures(slow.During()).AtMost(50 * expect.Percent),
			expect.Failures(slow.During()).Where(expect.Untouched()).None(),
			expect.AttemptsPerRequest(slow.During()).AtMost(1.5),
			expect.Failures(slow.After(limit)).None(),
		},
		Looks: 2,
	})
}

// Reports take 2 s and there are up to 50 of them under way; orders go to the same backend, and take no longer than without
// them. They are the control stream: none fails, and no more than one in ten takes half a second, so that of 160 the machine
// alone may hold nine back; nightly, with ten times as many, one in a hundred (field report 002, scenario 4).
func TestSlowPath(t *testing.T) {
	quantile, lasts := 0.9, 4*time.Second
	if harness.Running() == harness.Nightly {
		quantile, lasts = 0.99, 40*time.Second
	}
	for name, policy := range map[string]topology.Policy{"default": {}, "one-worker": {Workers: 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			slow := fault.Window{On: orders.Each(), Of: fault.All().OfPath("/reports"), Inject: fault.DelayResponse{For: 2 * far}}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   policy,
				Load: load.Together{
					{Load: load.Constant{Rate: 25, For: lasts, Request: load.GET("/reports")}},
					{Name: "control", Load: steady(mixed, lasts)},
				},
				Faults: fault.Schedule{slow},
				Expect: expect.All{
					expect.Failures(slow.During()).None(),
					expect.LatencyOf(quantile, slow.During()).Where(expect.Stream("control")).AtMost(near),
				},
			})
		})
	}
}
