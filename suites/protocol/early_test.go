package protocol

import (
	"net/http"
	"testing"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// A backend refuses an upload when it has seen its head, as one does that is not allowed or too large, and then closes. 4 KiB
// are on their way before the answer; 1 MiB is more than the sockets between gateway and backend hold at first, so that the
// gateway is still writing when the answer comes.
var uploads = map[string]load.Constant{
	"4k": steady(upload(4 << 10)),
	"1m": steady(upload(1 << 20)),
}

func upload(size int) load.Request {
	return load.Request{Method: "POST", Path: "/orders", Body: size, Answer: 128}
}

// The backend takes in what is still coming, as it should (RFC 9112, section 9.6), and nothing is lost: the client gets the
// 413, and the upload is sent once (catalogue I3; envoyproxy/envoy#38697, golang/go#22209, traefik/traefik#11669).
func TestEarlyResponse(t *testing.T) {
	t.Parallel()
	refused(t, fault.FIN, func(early fault.Window) expect.Expectation { return expect.Failures(early.During()).None() })
}

// The backend does not, and its reset races its answer to the gateway. Who loses is a matter of microseconds, so that there
// is no promise of how many; but a lost answer is a clean 502, and the upload is sent once (catalogue I3;
// haproxy/haproxy#3316).
func TestEarlyResponseReset(t *testing.T) {
	t.Parallel()
	refused(t, fault.RST, func(early fault.Window) expect.Expectation { return expect.FailuresBut(early.During(), 502).None() })
}

func refused(t *testing.T, by fault.End, promise func(early fault.Window) expect.Expectation) {
	t.Helper()
	for name, uploads := range uploads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			early := fault.Window{On: orders.Each(), Inject: fault.EarlyResponse{Status: http.StatusRequestEntityTooLarge, By: by}}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   pooled,
				Load:     uploads,
				Faults:   fault.Schedule{early},
				Expect:   expect.All{promise(early), expect.AttemptsOver(1, early.During()).None()},
			})
		})
	}
}
