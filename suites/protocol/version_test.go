package protocol

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// An HTTP/1.0 backend ends the connection after each answer without saying so (RFC 9112, section 9.3). A gateway that put
// the connection into its pool would meet the end of it with the next request, 50 ms later: a POST would fail, and a GET
// need a second attempt (catalogue I1; envoyproxy/envoy#7123, haproxy/haproxy#458).
func TestHTTP10Backend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		framing  fault.Framing
		requests load.Source
	}{
		"length": {fault.ByLength, either}, "close": {fault.ByClose, load.GET("/orders")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old(t, c.framing, steady(c.requests), harness.CI)
		})
	}
}

// A POST whose answer ends with the connection takes a gateway two things at once: to send the request to its end, and to
// read the answer to its. Where one disturbs the other it does so by chance, in one of ten POSTs or of a thousand: four
// clients that send one after another make several thousand in ten seconds (catalogue I1).
func TestHTTP10BackendPost(t *testing.T) {
	t.Parallel()
	old(t, fault.ByClose, load.Closed{Connections: 4, For: 10 * time.Second, Request: load.POST("/orders")}, harness.Nightly)
}

func old(t *testing.T, framing fault.Framing, requests load.Load, profile harness.Profile) {
	t.Helper()
	orders := topology.Replicas("orders", 1)
	old := fault.Window{On: orders.Each(), Inject: fault.HTTP10Response{Framing: framing}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   pooled,
		Load:     requests,
		Faults:   fault.Schedule{old},
		Expect:   unnoticed(old.During()),
		Profile:  profile,
	})
}

// A backend that says Connection: close may take its time to close. Here it leaves the connection open and would cut off
// whatever came on it again; nothing may come (RFC 9112, section 9.6; catalogue I2, the control for A1).
func TestCloseIsHonoured(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	announced := fault.Window{On: orders.Each(), Inject: fault.CloseOnReuse{By: fault.FIN, Announced: true}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   pooled,
		Load:     steady(either),
		Faults:   fault.Schedule{announced},
		Expect: expect.All{
			expect.Failures(announced.During()).None(),
			expect.RequestsTouched(announced.During()).None(),
		},
	})
}

// The same with a real end, 200 ms behind the answer: three or four requests come before it, and none may be on its way
// there (catalogue I2).
func TestCloseIsHonouredUntilItComes(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	announced := fault.Window{On: orders.Each(), Inject: fault.CloseAfterResponse{After: 200 * time.Millisecond, By: fault.FIN, Announced: true}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   pooled,
		Load:     steady(either),
		Faults:   fault.Schedule{announced},
		Expect:   unnoticed(announced.During()),
	})
}
