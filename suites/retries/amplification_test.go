package retries

import (
	"testing"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// little is how many attempts a request may cost when every one of them fails: what a retry budget leaves, 20 % (catalogue
// F5). Without a budget it is one and as many as there are retries.
const little = 1.2

// All of three replicas fail every attempt. Retries cannot help any more, and triple a load that is too much already
// (catalogue F3, F11; field reports X14).
func TestTotalFailure(t *testing.T) {
	t.Parallel()
	for cause, how := range map[topology.Cause]fault.Fault{
		topology.OnReset: fault.CloseBeforeResponse{By: fault.RST}, topology.OnStatus: fault.ErrorStatus{Status: 503},
	} {
		for name, policy := range map[string]topology.Policy{
			"default": {}, "retries": {Retries: 2, RetryOn: []topology.Cause{cause}},
		} {
			t.Run(string(cause)+"-"+name, func(t *testing.T) {
				t.Parallel()
				orders := topology.Replicas("orders", 3)
				broken := fault.Window{On: orders.Each(), Inject: how}
				s := harness.Scenario{
					Backends: orders,
					Policy:   policy,
					Load:     patient(load.GET("/orders")),
					Faults:   fault.Schedule{broken},
					Expect: expect.All{
						expect.AttemptsPerRequest(broken.During()).AtMost(little),
						expect.AttemptsOver(3, broken.During()).None(),
					},
				}
				if cause == topology.OnStatus && name == "default" {
					s.Profile = harness.Nightly
				}
				harness.Run(t, s)
			})
		}
	}
}

// Nothing is answered in time, by any of three replicas, and each attempt costs the whole of a timeout: the client waits
// three of them for its 504, and the work is done three times for nobody (catalogue F3). A second and a half allows for one
// timeout of a second, and half as much again for a busy machine; two timeouts are two seconds.
func TestTimeoutsAddUp(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]topology.Policy{
		"default": {ResponseTimeout: answerWithin},
		"retries": {ResponseTimeout: answerWithin, Retries: 2, RetryOn: []topology.Cause{topology.OnTimeout}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 3)
			slow := fault.Window{On: orders.Each(), Inject: fault.DelayResponse{For: 5 * answerWithin}}
			impatient := patient(load.GET("/orders"))
			impatient.Timeout = answerWithin * 3 / 2 // the client's own, which its outcome tells
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   policy,
				Load:     impatient,
				Faults:   fault.Schedule{slow},
				Expect: expect.All{
					expect.AttemptsPerRequest(slow.During()).AtMost(little),
					expect.Outcome(record.TimedOut, slow.During()).None(),
				},
			})
		})
	}
}

// A single replica that fails everything: nobody but itself can be asked again, and it must not be asked more often than
// was configured (catalogue F11: fourteen attempts were seen where three were configured).
func TestSingleReplica(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	broken := fault.Window{On: orders.Each(), Inject: fault.CloseBeforeResponse{By: fault.RST}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{Retries: 2, RetryOn: []topology.Cause{topology.OnReset}, UpstreamKeepAlive: topology.On},
		Load:     patient(load.GET("/orders")),
		Faults:   fault.Schedule{broken},
		Expect:   expect.All{expect.AttemptsOver(3, broken.During()).None()},
	})
}
