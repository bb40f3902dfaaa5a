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

// limited asks for the timeout of the answer's head.
var limited = topology.Policy{ResponseTimeout: limit}

// spell is how long a fault acts. 40 requests come meanwhile: enough to judge any promise by, and few enough for a stall of
// the machine to make few of them late.
const spell = 1600 * time.Millisecond

// steady sends 25 requests a second.
func steady(what load.Source, lasts time.Duration) load.Constant {
	return load.Constant{Rate: 25, For: lasts, Request: what, Timeout: patience}
}

// always lets a fault act on every request.
func always(backends topology.Group, inject fault.Fault) fault.Window {
	return fault.Window{On: backends.Each(), Inject: inject}
}

// atFirst lets a fault act on every request of the first spell; those that come after it show that it is over.
func atFirst(backends topology.Group, inject fault.Fault) fault.Window {
	return fault.Window{For: spell, On: backends.Each(), Inject: inject}
}

var mixed = load.Mix{load.GET("/orders"), load.POST("/orders")}

// A backend that does not answer in time costs its user a 504, not a 502, after the timeout and at one attempt: there is
// nobody else to ask. Once it answers again, so does the gateway (catalogue D1; field reports 000, 001, 004).
func TestHang(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	hang := atFirst(orders, fault.HangResponse{})
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   limited,
		Load:     steady(mixed, 2*spell),
		Faults:   fault.Schedule{hang},
		Expect: expect.All{
			expect.FailuresBut(hang.During(), 504).None(),
			expect.Slower(patience, hang.During()).None(),
			expect.AttemptsOver(1, hang.During()).None(),
			expect.Failures(hang.After(0)).None(),
		},
		Profile: harness.Smoke,
	})
}

// An answer that takes a tenth of the timeout is none of its business (catalogue D1, the control).
func TestInTime(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	slow := always(orders, fault.DelayResponse{For: limit / 10})
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   limited,
		Load:     steady(mixed, spell),
		Faults:   fault.Schedule{slow},
		Expect: expect.All{
			expect.Failures(slow.During()).None(),
			expect.AttemptsOver(1, slow.During()).None(),
		},
	})
}

// The head of an answer that comes byte by byte, some 250 of them, from its first one on or from the middle of its headers:
// at a pause of a twentieth or a tenth of the timeout it would take 12 s. Its user is to be freed all the same, by a 504
// (catalogue D3).
func TestDrippingHead(t *testing.T) {
	for name, inject := range map[string]fault.DripResponse{
		"status-line": {Every: limit / 20}, "headers": {Every: limit / 10, From: fault.InHeaders},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			drip := always(orders, inject)
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   limited,
				Load:     steady(load.GET("/orders"), spell),
				Faults:   fault.Schedule{drip},
				Expect: expect.All{
					expect.Slower(patience, drip.During()).None(),
					expect.FailuresBut(drip.During(), 504).None(),
				},
			})
		})
	}
}
