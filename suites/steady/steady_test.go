package steady

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// Nobody loses a request while nothing happens. The load is a closed loop, since it is the number of requests that counts
// here and not their rate. At night it is as many as prove a share of less than a thousandth of a percent: 300,000, since at
// zero failures the limit is 1 - 0.05^(1/n), about 3/n. Fewer prove less, so that there may be none among them at all; and
// few connections send them, since a stall of the machine makes one request of each late.
func TestNothingFails(t *testing.T) {
	failures := expect.Failures(record.Phase{})
	connections, requests, promise := 8, 3_000, failures.None()
	switch harness.Running() {
	case harness.Smoke:
	case harness.CI:
		requests = 30_000
	case harness.Nightly:
		connections, requests, promise = 64, 300_000, failures.AtMost(0.001*expect.Percent)
	}
	harness.Run(t, harness.Scenario{
		Backends: topology.Replicas("orders", 2),
		Load: load.Closed{
			Connections: connections, Requests: requests, For: 5 * time.Minute,
			Request: load.Mix{load.GET("/orders"), load.POST("/orders")},
		},
		Expect:  expect.All{promise},
		Profile: harness.Smoke,
	})
}
