package traefik502

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// One upload in a thousand is broken off by its client half-way. Nobody is told anything, and nothing has failed; but some
// gateways book it as an error of the server's, which is how 0.001 % of 502 get into a metric while no user sees one. Each
// line with a 5xx is the one of an upload that was broken off, by its id: nothing else is hidden among them (catalogue 4.1).
// There are 40 of them, since none of 29 is the least that proves anything. An engine may keep no more than the end of a long
// log: the verdict says how many requests it has.
func TestAbortedUploadsAreNoErrors(t *testing.T) {
	t.Parallel()
	pods := topology.Replicas("pods", 2)
	abort := fault.Window{On: topology.Client, Of: fault.EveryRequest(1000), Inject: fault.AbortUpload{By: fault.FIN}}
	harness.Run(t, harness.Scenario{
		Backends: pods,
		Load: load.Closed{
			Connections: 16, Requests: 40_000, For: 40 * time.Second, Request: load.Request{Method: "POST", Path: "/uploads", Body: 8 << 10},
		},
		Faults: fault.Schedule{abort},
		Expect: expect.All{
			expect.BookedErrors(abort.During()).None(),
			expect.BookedAborts(abort.During()).None(),
			expect.Failures(abort.During()).None(),
		},
	})
}
