package retries

import (
	"fmt"
	"testing"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// Every idempotent method may be sent again on a connection that turns out to be stale (RFC 9110, section 9.2.2), whether a
// GET, a PUT or a DELETE (catalogue F12). Gateways draw the line elsewhere, each of them in another place. GET and POST
// themselves are the business of the suite idleclose.
func TestIdempotentMethods(t *testing.T) {
	t.Parallel()
	get, post := load.GET("/orders/1"), load.POST("/orders/1")
	onStaleConnections(t, map[string]load.Source{
		"safe":   load.Mix{method("HEAD", get), method("OPTIONS", get)},
		"unsafe": load.Mix{method("PUT", post), method("DELETE", get)},
	})
	if harness.Running() == harness.Nightly {
		onStaleConnections(t, map[string]load.Source{
			"PUT": method("PUT", post), "PUT-empty": method("PUT", get), "DELETE": method("DELETE", get),
			"GET-with-body": method("GET", post),
		})
	}
}

// A POST with an Idempotency-Key says that it may be sent again (draft-ietf-httpapi-idempotency-key-header): Go believes
// it where there is no body, and cannot send a body again that it does not have any more (catalogue F13).
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	empty, full := method("POST", load.GET("/orders")), load.POST("/orders")
	empty.IdempotencyKey, full.IdempotencyKey = true, true
	onStaleConnections(t, map[string]load.Source{"empty": empty, "body": full})
}

func method(name string, r load.Request) load.Request {
	r.Method = name
	return r
}

// onStaleConnections ends every connection that is used again, as catalogue A1 does, and promises that nobody notices.
func onStaleConnections(t *testing.T, requests map[string]load.Source) {
	t.Helper()
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			stale := fault.Window{On: orders.Each(), Inject: fault.CloseOnReuse{By: fault.FIN}}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   pooled,
				Load:     steady(request),
				Faults:   fault.Schedule{stale},
				Expect:   expect.All{expect.Failures(stale.During()).None()},
			})
		})
	}
}

// A body can be sent again only where it was kept, and gateways keep so much of it and no more (catalogue F6): HAProxy one
// buffer of 16 kB, Caddy what it is told to. A POST must get its second attempt whatever its size, and with the body that
// the client sent.
func TestBodyIsSentAgain(t *testing.T) {
	t.Parallel()
	for size, profile := range map[int]harness.Profile{
		1: harness.Nightly, 15: harness.Nightly, 17: harness.CI, 100: harness.Nightly,
	} {
		t.Run(fmt.Sprintf("%dkB", size), func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			broken := fault.Window{On: orders.Replica(1), Inject: fault.CloseBeforeResponse{By: fault.FIN}}
			upload := load.POST("/upload")
			upload.Body = size << 10
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   topology.Policy{Retries: 2, RetryOn: []topology.Cause{topology.OnReset}, RetryNonIdempotent: topology.On},
				Load:     steady(upload),
				Faults:   fault.Schedule{broken},
				Expect: expect.All{
					expect.Failures(broken.During()).None(),
					expect.AlteredBodies(broken.During()).None(),
				},
				Profile: profile,
			})
		})
	}
}
