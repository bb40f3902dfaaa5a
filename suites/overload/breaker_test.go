package overload

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// breaker is that of a gateway which has one of its own, and not the passive health check that TestBreaker makes one of. Its
// times are as short as they can be said everywhere; the defaults are 10 s each in Traefik.
var breaker = topology.CircuitBreaker{Open: 3 * time.Second, Recovery: time.Second}

// The backend is well for a second, and then resets every request, or answers none, for three and a half. The breaker opens when
// most requests of late have failed: of the 50 that went well and a few that asked for readiness, after a second and a
// little, since Traefik counts those of 10 s and looks ten times a second, and a timeout later where there is one. Half a second
// is left for that, and from then on no request reaches the backend. Those that did fail in their way, all others with 503.
// When the backend is well the breaker is open for 3 s at most, and lets more and more requests through for another one
// (catalogue G3; traefik/traefik#3858, #4309).
func TestCircuitBreaker(t *testing.T) {
	t.Parallel()
	const recovers = 4 * time.Second // the breaker's Open and Recovery
	for name, c := range map[string]struct {
		breaks   fault.Fault
		waits    time.Duration
		statuses []int
	}{
		"reset":   {fault.CloseBeforeResponse{By: fault.RST}, 0, []int{502, 503}},
		"timeout": {fault.HangResponse{}, limit, []int{503, 504}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			broken := fault.Window{From: time.Second, For: 3500 * time.Millisecond, On: orders.Each(), Inject: c.breaks}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   topology.Policy{CircuitBreaker: breaker, ResponseTimeout: c.waits},
				Load:     steady(load.POST("/orders"), broken.From+broken.For+recovers+time.Second),
				Faults:   fault.Schedule{broken},
				Expect: expect.All{
					expect.Ejection(broken.During()).Within(1500*time.Millisecond + c.waits),
					expect.FailuresBut(broken.During(), c.statuses...).None(),
					expect.Recovery(broken.After(0)).Within(recovers),
				},
			})
		})
	}
}

// Nine of ten clients go before they are answered, or in the middle of their upload. The backend is well, and nobody else may
// be told otherwise: with half of those counted as failures the breaker would be at its threshold, and open sooner or later.
// The others' requests are 40, since none of 29 is the least that proves anything (catalogue G3, H1, H2).
func TestCircuitBreakerAndAborts(t *testing.T) {
	t.Parallel()
	for name, abort := range map[string]fault.Fault{
		"waiting":   fault.AbortWhileWaiting{After: 50 * time.Millisecond, By: fault.FIN},
		"uploading": fault.AbortUpload{By: fault.FIN},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			slow := fault.Window{On: orders.Each(), Inject: fault.DelayResponse{For: 200 * time.Millisecond}}
			aborts := fault.Window{On: topology.Client, Of: fault.All().OfPath("/uploads"), Inject: abort}
			upload := load.Request{Method: "POST", Path: "/uploads", Body: 8 << 10, Answer: 128}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   topology.Policy{CircuitBreaker: breaker},
				Load: load.Together{
					{Load: load.Constant{Rate: 45, For: 8 * time.Second, Request: upload}},
					{Name: "others", Load: load.Constant{Rate: 5, For: 8 * time.Second, Request: load.POST("/orders")}},
				},
				Faults: fault.Schedule{slow, aborts},
				Expect: expect.All{expect.Failures(aborts.During()).Where(expect.Stream("others")).None()},
			})
		})
	}
}
