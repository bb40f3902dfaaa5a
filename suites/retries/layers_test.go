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

// Two gateways, one in front of the other, each of which was told to make three attempts at most, and backends that fail all
// of them. A failure that both layers try again costs 3 x 3 = 9 attempts (catalogue F4; NREL/api-umbrella#18). Users want no
// more than the three that one layer may make: the one next to the backends has found out that there is nobody left to ask,
// and whoever is in front of it must not begin anew.
//
// There are three replicas, and as many names by which the front knows the gateway, since some make a further attempt on
// another backend alone. Who has failed once may be put aside, and then there is little to count; that nobody is, before a
// thousand failures, shows what retries do by themselves. Where nothing is answered, the front waits half as long as the
// gateway behind it, which is the order that multiplies: the gateway goes on, unless it notices that it was given up.
func TestLayers(t *testing.T) {
	t.Parallel()
	reset := fault.CloseBeforeResponse{By: fault.RST}
	onReset := topology.Policy{Retries: 2, RetryOn: []topology.Cause{topology.OnReset}}
	onTimeout := topology.Policy{Retries: 2, RetryOn: []topology.Cause{topology.OnTimeout}, ResponseTimeout: 2 * answerWithin}
	for name, c := range map[string]struct {
		policy topology.Policy
		fail   fault.Fault
	}{
		"status":                   {onStatus, fault.ErrorStatus{Status: 503}},
		"status-nobody-put-aside":  {forbearing(onStatus), fault.ErrorStatus{Status: 503}},
		"reset":                    {onReset, reset},
		"timeout":                  {onTimeout, fault.HangResponse{}},
		"timeout-nobody-put-aside": {forbearing(onTimeout), fault.HangResponse{}},
		"without-a-cause":          {topology.Policy{Retries: 2}, reset},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 3)
			broken := fault.Window{On: orders.Each(), Inject: c.fail}
			front := topology.Front{Policy: c.policy, Names: 3}
			front.Policy.ResponseTimeout /= 2
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   c.policy,
				Front:    &front,
				Load:     patient(load.GET("/orders")),
				Faults:   fault.Schedule{broken},
				Expect:   expect.All{expect.AttemptsOver(3, broken.During()).None()},
			})
		})
	}
}

// forbearing puts nobody aside in any of these scenarios.
func forbearing(p topology.Policy) topology.Policy {
	p.PassiveHealth = topology.PassiveHealth{Failures: 1000, Eject: time.Second}
	return p
}
