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
// here and not their rate: a tenth of a percent takes 3,000 of them in the smoke profile, a hundredth 30,000, and a
// thousandth, in the nightly profile, 300,000 (at zero failures the limit is 1 - 0.05^(1/n), about 3/n).
func TestNothingFails(t *testing.T) {
	requests, bound := 3_000, 0.1*expect.Percent
	switch harness.Running() {
	case harness.CI:
		requests, bound = 30_000, 0.01*expect.Percent
	case harness.Nightly:
		requests, bound = 300_000, 0.001*expect.Percent
	case harness.Smoke:
	}
	harness.Run(t, harness.Scenario{
		Backends: topology.Replicas("orders", 2),
		Load: load.Closed{
			Connections: 64, Requests: requests, For: 5 * time.Minute,
			Request: load.Mix{load.GET("/orders"), load.POST("/orders")},
		},
		Expect: expect.All{
			expect.Failures(record.Phase{}).AtMost(bound),
		},
		Profile: harness.Smoke,
	})
}
