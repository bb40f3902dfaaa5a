package protocol

import (
	"testing"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/topology"
)

// An answer that says twice how long it is, differently, could be cut into two by one reader and not by the next. Two
// lengths make it unreadable: 502 is the answer (RFC 9112, section 6.3). Of a length beside chunks the chunks count, or it
// is refused as well (section 6.1). What the client gets is a whole answer or a clean 502, after one attempt: such a
// backend will say the same again (catalogue I6; nginx/nginx#1228, kubernetes/ingress-nginx#11162).
func TestTwoLengths(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]fault.Malformation{"lengths": fault.TwoLengths, "length-and-chunks": fault.LengthAndChunks} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			malformed := fault.Window{On: orders.Each(), Inject: fault.MalformResponse{As: as}}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   pooled,
				Load:     steady(either),
				Faults:   fault.Schedule{malformed},
				Expect: expect.All{
					expect.FailuresBut(malformed.During(), 502).None(),
					expect.AttemptsOver(1, malformed.During()).None(),
				},
			})
		})
	}
}
