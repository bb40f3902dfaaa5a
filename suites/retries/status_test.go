package retries

import (
	"strconv"
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// onStatus asks for further attempts on a 502, 503 or 504.
var onStatus = topology.Policy{Retries: 2, RetryOn: []topology.Cause{topology.OnStatus}}

// A status that says that the request itself is the reason comes again however often it is sent (catalogue F10): whoever
// retries on 502, 503 and 504 must leave 400 and 501 alone, and pass them on as they are.
func TestNoRetryOnOtherStatuses(t *testing.T) {
	t.Parallel()
	for status, profile := range map[int]harness.Profile{400: harness.Nightly, 501: harness.CI} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			refuses := fault.Window{On: orders.Each(), Inject: fault.ErrorStatus{Status: status}}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   onStatus,
				Load:     steady(load.GET("/orders")),
				Faults:   fault.Schedule{refuses},
				Expect: expect.All{
					expect.AttemptsOver(1, refuses.During()).None(),
					expect.FailuresBut(refuses.During(), status).None(),
				},
				Profile: profile,
			})
		})
	}
}

// Every replica answers 503 and says when it will be able to: in a second (catalogue F10; RFC 9110, section 10.2.3). Nobody
// should be asked again before that; the answer that is left in the end is the backend's own.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	busy := fault.Window{On: orders.Each(), Inject: fault.ErrorStatus{Status: 503, RetryAfter: time.Second}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   onStatus,
		Load:     steady(load.GET("/orders")),
		Faults:   fault.Schedule{busy},
		Expect: expect.All{
			expect.RetriesWithin(time.Second, busy.During()).None(),
			expect.FailuresBut(busy.During(), 503).None(),
		},
	})
}
