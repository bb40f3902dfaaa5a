package connect

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// One of two backends has stopped accepting, as one does that is about to end; for 1.3 s the kernel opens connections in its
// name, the gateway sends its requests, and then they are reset (catalogue B5; benoitc/gunicorn#2409). Not one of them was
// executed, so that each, a POST too, could be sent to the other backend: nobody need notice, and nothing is done twice.
func TestAbandonedBacklog(t *testing.T) {
	for _, request := range []load.Request{load.GET("/orders"), load.POST("/orders")} {
		t.Run(request.Method, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			left := fault.Window{For: 1300 * time.Millisecond, On: orders.Replica(2), Inject: fault.AbandonBacklog{}}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   topology.Policy{Retries: 1},
				Load:     load.Closed{Connections: 40, Think: 100 * time.Millisecond, For: 1500 * time.Millisecond, Request: request},
				Faults:   fault.Schedule{left},
				Expect: expect.All{
					expect.Failures(left.During()).None(),
					expect.DuplicateExecutions(left.During()).None(),
				},
			})
		})
	}
}
