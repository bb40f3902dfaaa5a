package timeouts

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// An answer that stops in the middle of its body ends for its user too, broken off: with the timeout that people set, that
// of the head, and with one between two parts of the body (catalogue D2). What is behind the break is too much for the
// buffers on the way, so that the first half has left the gateway.
func TestStall(t *testing.T) {
	for name, c := range map[string]struct {
		policy  topology.Policy
		chunked bool
	}{
		"response-timeout-length": {limited, false},
		"response-timeout-chunks": {limited, true},
		"read-timeout-chunks":     {topology.Policy{ReadTimeout: limit}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			stall := atFirst(orders, fault.HangResponse{At: fault.InBody})
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   c.policy,
				Load:     steady(load.Request{Method: "GET", Path: "/orders", Answer: 100_000, Chunked: c.chunked}, 2*spell),
				Faults:   fault.Schedule{stall},
				Expect: expect.All{
					expect.Slower(patience, stall.During()).None(),
					expect.Failures(stall.After(0)).None(),
				},
			})
		})
	}
}

// A download that goes on is not cut off, though it takes longer than the timeout: the second half of 160 bytes, one every
// 50 ms, takes 4 s, and no pause is longer than a twentieth of the timeout (catalogue D3).
func TestDrippingBody(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	drip := always(orders, fault.DripResponse{Every: limit / 20, From: fault.InBody})
	download := steady(load.Request{Method: "GET", Path: "/orders", Answer: 160}, spell)
	download.Timeout = 4 * patience
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   limited,
		Load:     download,
		Faults:   fault.Schedule{drip},
		Expect:   expect.All{expect.Failures(drip.During()).None()},
	})
}

// A backend that does not take the body of a request in: the gateway cannot send it, and the timeout for the answer has not
// begun to count. Its user is to be freed all the same (catalogue D7). A megabyte is as much as nginx accepts, and more than
// the sockets between containers hold; those of loopback hold it, and then it is the answer that is waited for.
func TestUnreadUpload(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	unread := always(orders, fault.HangResponse{At: fault.BeforeBody})
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   limited,
		Load: load.Constant{
			Rate: 20, For: 2 * time.Second, Timeout: patience,
			Request: load.Request{Method: "POST", Path: "/orders", Body: 1 << 20, Answer: 128},
		},
		Faults: fault.Schedule{unread},
		Expect: expect.All{expect.Slower(patience, unread.During()).None()},
	})
}
