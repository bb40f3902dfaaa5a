package idleclose

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// The backend's idle timeout of 150 ms, with requests 200 ms apart: every pooled connection has run out when the next
// request comes. Real ones are 5 s (Node) against 60 s (nginx); only their order matters, not their length. The fix lets
// the gateway give up 140 ms before the backend: more than a busy machine holds a timer back.
const (
	backendIdle = 150 * time.Millisecond
	gatewayIdle = 10 * time.Millisecond
)

func sparse(what load.Source) load.Constant {
	return load.Constant{Rate: 5, For: 14 * time.Second, Request: what}
}

// beforeAndAfter promises, for GET and POST, that nobody notices the fault: before the fix, when the gateway keeps idle
// connections as long as it likes, and after it, when it gives them up before the backend does.
func beforeAndAfter(t *testing.T, inject fault.Fault) {
	t.Helper()
	for name, policy := range map[string]topology.Policy{
		"before": pooled,
		"after":  {UpstreamKeepAlive: topology.On, UpstreamIdleTimeout: gatewayIdle},
	} {
		for _, request := range []load.Request{load.GET("/orders"), load.POST("/orders")} {
			t.Run(request.Method+"-"+name, func(t *testing.T) {
				t.Parallel()
				orders := topology.Replicas("orders", 1)
				idle := fault.Window{On: orders.Each(), Inject: inject}
				promises := expect.All{expect.Failures(idle.During()).None()}
				if name == "after" { // the fix leaves no connection to bite: a GET must not even need a second attempt
					promises = append(promises, expect.RequestsTouched(idle.During()).None())
				}
				harness.Run(t, harness.Scenario{
					Backends: orders,
					Policy:   policy,
					Load:     sparse(request),
					Faults:   fault.Schedule{idle},
					Expect:   promises,
				})
			})
		}
	}
}

// The race on every connection that has been idle for too long, and its fix (catalogue A1): the fix leaves the fault no
// connection to bite.
func TestRace(t *testing.T) {
	beforeAndAfter(t, fault.CloseOnReuse{By: fault.FIN, Idle: backendIdle})
}

// The same with real timeouts and a real FIN, which the link holds back for longer than the gap between requests, so
// that the gateway's pool holds dead connections it cannot tell from live ones (catalogue A2).
func TestStaleWindow(t *testing.T) {
	beforeAndAfter(t, fault.StaleWindow{After: backendIdle, Held: 400 * time.Millisecond})
}
