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

// A backend has moved, and a stranger answers at its old address, with 404 (catalogue B6; langgenius/dify#40808,
// apache/apisix#10432). When the gateway is told of the new address it must leave the stranger without a restart, and with
// it the connections that it has there: the window ends when it has been told, and 500 ms are more than any request takes,
// and a hundredth of a pool's idle timeout. The load goes on for long enough to see it, if the telling takes 2 s at most.
func TestStrangerIsLeft(t *testing.T) {
	orders := topology.Replicas("orders", 2)
	moved := fault.Window{For: 500 * time.Millisecond, On: orders.Replica(1), Inject: fault.StaleAddress{}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{UpstreamKeepAlive: topology.On},
		Load:     load.Closed{Connections: 3, Think: 50 * time.Millisecond, For: 4 * time.Second, Request: both},
		Faults:   fault.Schedule{moved},
		Expect: expect.All{
			expect.Status(404, moved.After(500*time.Millisecond)).None(),
			expect.Failures(moved.After(500 * time.Millisecond)).None(),
		},
	})
}
