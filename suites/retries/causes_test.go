package retries

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// answerWithin is how long the gateway waits for an answer: in the world a minute, here a second, the least that all of
// them can count. An answer takes a thousandth of it.
const answerWithin = time.Second

// causes are the ways in which one of two replicas fails its attempts.
var causes = map[topology.Cause]struct {
	inject fault.Fault
	policy topology.Policy
}{
	// Without a pool no attempt finds a connection that was opened before.
	topology.OnConnect: {fault.RefuseConnections{}, topology.Policy{UpstreamKeepAlive: topology.Off}},
	topology.OnReset:   {fault.CloseBeforeResponse{By: fault.RST}, topology.Policy{}},
	topology.OnTimeout: {fault.HangResponse{}, topology.Policy{ResponseTimeout: answerWithin}},
	topology.OnStatus:  {fault.ErrorStatus{Status: 503}, topology.Policy{}},
}

// A gateway that is told to try again on a cause hides it, as long as there is a replica that is well (catalogue F1, F10).
// It needs one further attempt for it, on the other replica (catalogue F8): with two at most and one broken replica of two,
// three attempts would mean that it has gone back to the broken one.
func TestRetryHidesTheFault(t *testing.T) {
	t.Parallel()
	oneOfTwo(t, func(cause topology.Cause, policy topology.Policy, broken fault.Window) harness.Scenario {
		policy.Retries, policy.RetryOn = 2, []topology.Cause{cause}
		s := harness.Scenario{Policy: policy, Expect: expect.All{
			expect.Failures(broken.During()).None(),
			expect.AttemptsOver(2, broken.During()).None(),
			expect.RetriesToSame(broken.During()).None(),
		}}
		if cause == topology.OnReset {
			s.Profile = harness.Smoke
		}
		return s
	})
}

// Who asks for retries, and does not say on what, expects to be rid of failures. Which causes a gateway covers then is its
// own affair: an answer that does not come and a 5xx are as a rule not among them (catalogue F9; field reports X3: "enable
// retry" is no fix for a connection that ends without an answer).
func TestRetriesWithoutACause(t *testing.T) {
	t.Parallel()
	oneOfTwo(t, func(cause topology.Cause, policy topology.Policy, broken fault.Window) harness.Scenario {
		policy.Retries = 2
		s := harness.Scenario{Policy: policy, Expect: expect.All{expect.Failures(broken.During()).None()}}
		if cause == topology.OnTimeout || cause == topology.OnStatus {
			s.Profile = harness.Nightly
		}
		return s
	})
}

// What gateways do when nothing is asked for (catalogue 2.2): people expect one dead replica of two to be hidden.
func TestDefaults(t *testing.T) {
	t.Parallel()
	oneOfTwo(t, func(_ topology.Cause, policy topology.Policy, broken fault.Window) harness.Scenario {
		return harness.Scenario{Policy: policy, Expect: expect.All{expect.Failures(broken.During()).None()}}
	})
}

// oneOfTwo lets one of two replicas fail in each of the ways, for as long as GETs are sent.
func oneOfTwo(t *testing.T, scenario func(topology.Cause, topology.Policy, fault.Window) harness.Scenario) {
	t.Helper()
	for cause, how := range causes {
		t.Run(string(cause), func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			broken := fault.Window{On: orders.Replica(1), Inject: how.inject}
			s := scenario(cause, how.policy, broken)
			s.Backends, s.Load, s.Faults = orders, steady(load.GET("/orders")), fault.Schedule{broken}
			if cause == topology.OnTimeout {
				s.Load = patient(load.GET("/orders"))
			}
			harness.Run(t, s)
		})
	}
}
