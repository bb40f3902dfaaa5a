package protocol

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// Nothing is broken: a small upload is answered at once, with more than fits into the gateway's buffers. Go's server closes
// the request's body as the answer begins, while its transport may still be looking for the end of that body: the answer is
// then cut short, in some runs two of a hundred (golang/go#40747). 1000 requests, so that even one in 300 shows in 19 runs of
// 20; a closed loop, since it is the number that counts.
func TestUploadIsAnsweredWhole(t *testing.T) {
	t.Parallel()
	harness.Run(t, harness.Scenario{
		Backends: topology.Replicas("orders", 1),
		Load: load.Closed{
			Connections: 10, Requests: 1000, For: time.Minute,
			Request: load.Request{Method: "POST", Path: "/orders", Body: 128, Answer: 64 << 10},
		},
		Expect: expect.All{expect.Failures(record.Phase{}).None()},
	})
}
