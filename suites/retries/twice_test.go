package retries

import (
	"testing"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// One of two replicas executes a POST and ends the connection without an answer (catalogue F2). A gateway that sends it
// again lets the other replica execute it once more: an order is placed twice. Whatever is configured, nobody wants that;
// "any-method" is the configuration that asks for it in so many words, and shows that the suite can tell.
func TestPostIsNotExecutedTwice(t *testing.T) {
	t.Parallel()
	reset := []topology.Cause{topology.OnReset}
	for name, c := range map[string]struct {
		policy  topology.Policy
		profile harness.Profile
	}{
		"default":         {},
		"retries":         {topology.Policy{Retries: 2}, harness.Nightly},
		"on-reset":        {topology.Policy{Retries: 2, RetryOn: reset}, harness.Smoke},
		"idempotent-only": {policy: topology.Policy{Retries: 2, RetryOn: reset, RetryNonIdempotent: topology.Off}},
		"any-method":      {policy: topology.Policy{Retries: 2, RetryOn: reset, RetryNonIdempotent: topology.On}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			executed := fault.Window{On: orders.Replica(1), Inject: fault.CloseBeforeResponse{By: fault.RST, Executed: true}}
			s := harness.Scenario{
				Backends: orders,
				Policy:   c.policy,
				Load:     steady(load.POST("/orders")),
				Faults:   fault.Schedule{executed},
				Expect:   expect.All{expect.DuplicateExecutions(executed.During()).None()},
				Profile:  c.profile,
			}
			if name == "any-method" { // what it buys, at that price
				s.Expect = append(s.Expect, expect.Failures(executed.During()).None())
			}
			harness.Run(t, s)
		})
	}
}

// Once a part of the answer has gone to the client, nobody can try again: what follows would be another answer's
// (catalogue F7). Half of 64 kB is more than a gateway keeps to itself, so the client has seen the beginning. It must see
// that the rest is missing, which every scenario asks for (no answer that is cut short ends cleanly), and the work must not
// be done again.
func TestNoRetryOnceTheAnswerHasBegun(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]topology.Policy{
		"default": {}, "on-reset": {Retries: 2, RetryOn: []topology.Cause{topology.OnReset}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			cut := fault.Window{On: orders.Each(), Inject: fault.CloseInBody{By: fault.FIN}}
			large := load.GET("/export")
			large.Answer = 64 << 10
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   policy,
				Load:     steady(large),
				Faults:   fault.Schedule{cut},
				Expect: expect.All{
					expect.AttemptsOver(1, cut.During()).None(),
					expect.ServerErrors(cut.During()).None(),
				},
			})
		})
	}
}
