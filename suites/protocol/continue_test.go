package protocol

import (
	"net/http"
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// expecting asks for a 100 Continue before it sends its body; the client waits a second for it.
var expecting = load.Request{Method: "POST", Path: "/orders", Body: 4 << 10, Answer: 128, ExpectContinue: true}

// waiting sends what expects a 100 Continue, and gives up after five seconds. The client itself waits for one second, and so
// does a gateway with Go's transport (ExpectContinueTimeout); one behind the other that is two, and five are neither.
func waiting() load.Constant {
	l := steady(expecting)
	l.Timeout = 5 * time.Second
	return l
}

// A backend that does not know Expect reads the body and answers. Whoever waits for its 100 must not wait for ever, and the
// upload arrives whole (RFC 9110, section 10.1.1; catalogue I4; traefik/traefik#2899). The gateway's timeout, longer than
// anybody may wait here, ends what it would wait for a minute by default.
func TestContinueNeverComes(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	silent := fault.Window{On: orders.Each(), Inject: fault.WithholdContinue{}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{UpstreamKeepAlive: topology.On, ResponseTimeout: 3 * time.Second},
		Load:     waiting(),
		Faults:   fault.Schedule{silent},
		Expect: expect.All{
			expect.Failures(silent.During()).None(),
			expect.AlteredBodies(silent.During()).None(),
		},
	})
}

// A backend that refuses the upload in place of the 100 has spoken its last word: the client gets it, and waits for
// nothing (catalogue I4; haproxy/haproxy#3316).
func TestFinalAnswerInPlaceOfContinue(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	refused := fault.Window{On: orders.Each(), Inject: fault.EarlyResponse{Status: http.StatusExpectationFailed, By: fault.FIN}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   pooled,
		Load:     waiting(),
		Faults:   fault.Schedule{refused},
		Expect:   unnoticed(refused.During()),
	})
}
