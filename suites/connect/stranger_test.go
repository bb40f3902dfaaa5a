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
// and a hundredth of a pool's idle timeout. The load goes on for long enough to see it, however long the telling takes.
func TestStrangerIsLeft(t *testing.T) {
	orders := topology.Replicas("orders", 2)
	moved := fault.Window{For: 500 * time.Millisecond, On: orders.Replica(1), Inject: fault.StaleAddress{}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{UpstreamKeepAlive: topology.On},
		Load:     steady(both, 6*time.Second),
		Faults:   fault.Schedule{moved},
		Expect: expect.All{
			expect.Status(404, moved.After(500*time.Millisecond)).None(),
			expect.Failures(moved.After(500 * time.Millisecond)).None(),
		},
	})
}

// Nobody tells the gateway, but a health check meets the stranger too, and its 404 there (catalogue B6). At 200 ms between
// checks, of which three in a row may be wanted, it is found out after 600 ms; 1800 ms is three times that. Until then
// users get its answers, which the promise is not about.
func TestStrangerIsFoundOut(t *testing.T) {
	orders := topology.Replicas("orders", 2)
	moved := fault.Window{On: orders.Replica(1), Inject: fault.StaleAddress{}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{ActiveHealth: topology.ActiveHealth{Path: "/__ready", Interval: 200 * time.Millisecond}},
		Load:     steady(load.GET("/orders"), 3200*time.Millisecond),
		Faults:   fault.Schedule{moved},
		Expect: expect.All{
			expect.Ejection(moved.During()).Within(1800 * time.Millisecond),
			expect.Failures(moved.During()).None(),
		},
	})
}
