package overload

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

var whole record.Phase

// limits is for scenarios in which the gateway is told to turn requests away.
var limits = expect.Waive("answers that no backend gave", "the gateway's own limit turns requests away")

// For 2 s each backend serves 10 requests a second, and 50 come. After a quarter of a second the queue is longer than the
// timeout, and everybody in it gets a 504. One attempt each: more would make the queue longer. When it is over, the gateway
// serves again at the latest after twice the timeout (catalogue G5, F3; field report 002, scenario 1). 100 requests come after
// that, and 29 are needed: on a busy machine 23 of 50 were left once, since its end came late.
func TestPeak(t *testing.T) {
	for name, replicas := range map[string]int{"one-replica": 1, "two-replicas": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", replicas)
			peak := fault.Window{For: 2 * time.Second, On: orders.Each(), Inject: slowed}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   topology.Policy{ResponseTimeout: limit},
				Load:     steady(load.GET("/orders"), 2*time.Second+2*limit+2*time.Second),
				Faults:   fault.Schedule{peak},
				Expect: expect.All{
					expect.FailuresBut(peak.During(), 504).None(),
					expect.AttemptsOver(1, peak.During()).None(),
					expect.Slower(5*limit, peak.During()).None(),
					expect.Recovery(peak.After(0)).Within(2 * limit),
				},
				Profile: smokeIf(replicas == 2),
			})
		})
	}
}

func smokeIf(telling bool) harness.Profile {
	if telling {
		return harness.Smoke
	}
	return harness.CI
}

// A backend that is asked for five times what it can do works only for those who have given up: with the timeout alone it
// serves a dozen requests before the queue is too long, and then nobody. A limit of 8 a second, just under the 10 that it can
// do, keeps the queue short: a seventh of 50 a second is served (catalogue G5, X19). Half of what the backend can do is
// promised, a tenth of the requests; over 6 s the dozen are 4 %, and the seventh is 14 %.
func TestGoodput(t *testing.T) {
	for name, policy := range map[string]topology.Policy{
		"timeout-alone": {ResponseTimeout: limit}, "rate-limited": {ResponseTimeout: limit, RateLimit: 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			peak := fault.Window{On: orders.Each(), Inject: slowed}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   policy,
				Load:     steady(load.GET("/orders"), 6*time.Second),
				Faults:   fault.Schedule{peak},
				Expect:   expect.All{expect.Unserved(peak.During()).AtMost(91 * expect.Percent), limits},
			})
		})
	}
}
