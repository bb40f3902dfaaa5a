package clients

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// Uploads of 48 KiB at 16 KiB/s take three seconds. By default that is no matter. Nor is it where a client has a second for
// the head of its request: the head came at once. A gateway that counts the body in cuts good uploads off, and then at
// least no backend takes the part for the whole (catalogue H4; traefik/traefik#10598, loculus-project/loculus#7147).
func TestSlowUpload(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]topology.Policy{"default": {}, "timeout": {RequestTimeout: time.Second}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			slow := fault.Window{On: topology.Client, Of: ofTheirs, Inject: fault.SlowUpload{Rate: 16 << 10}}
			upload := load.Request{Method: "POST", Path: theirs, Body: 48 << 10, Answer: 128}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   policy,
				Load:     beside(upload),
				Faults:   fault.Schedule{slow},
				Expect:   append(served(slow.During()), expect.AlteredBodies(slow.During()).None()),
			})
		})
	}
}

// Four clients take three seconds for an answer of 6 MiB, more than the sockets between gateway and client hold. They get
// it whole, and the others do not wait for them: nine in ten have their answers within a second, which is a hundred times
// what they take, and a third of what the slow ones do (catalogue H5; envoyproxy/envoy#17186).
func TestSlowReader(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	slow := fault.Window{On: topology.Client, Of: ofTheirs, Inject: fault.SlowReader{Rate: 2 << 20}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Load: load.Together{
			{Load: load.Constant{Rate: 2, For: 2 * time.Second, Request: load.Request{Method: "GET", Path: theirs, Answer: 6 << 20}}},
			{Name: "control", Load: load.Constant{Rate: 20, For: 2 * time.Second, Request: load.GET(others)}},
		},
		Faults: fault.Schedule{slow},
		Expect: append(unnoticed(slow.During()),
			expect.LatencyOf(0.9, slow.During()).Where(expect.Stream("control")).AtMost(time.Second)),
	})
}
