package timeouts

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/topology"
)

// Two gateways, one in front of the other, and a backend that takes twice the shorter of their timeouts; the longer one is two
// and a half times what it takes (catalogue D5; traefik/traefik#10282, #10485, unbit/uwsgi#2264). Whichever is the shorter, it
// ends the request: its users are told 504, before the backend can have answered, the work is not done twice, and is given up.
// The log of the front says what they were told. In that of the gateway behind it the reason is to be found: what nobody was
// served does not stand there as served; nor, if it was the front that gave up, as a failure of the gateway or its backend.
// The load goes on for as long again as the work does, by when all of it is booked.
func TestHierarchy(t *testing.T) {
	for name, c := range map[string]struct{ front, gateway time.Duration }{
		"front-gives-up-first": {front: limit, gateway: 5 * limit},
		"front-waits-longer":   {front: 5 * limit, gateway: limit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			slow := atFirst(orders, fault.DelayResponse{For: 2 * limit})
			s := harness.Scenario{
				Backends: orders,
				Front:    &topology.Front{Policy: topology.Policy{ResponseTimeout: c.front}},
				Policy:   topology.Policy{ResponseTimeout: c.gateway},
				Load:     steady(mixed, spell+4*limit),
				Faults:   fault.Schedule{slow},
				Expect: expect.All{
					expect.FailuresBut(slow.During(), 504).None(),
					expect.Slower(2*limit, slow.During()).None(),
					expect.AttemptsOver(1, slow.During()).None(),
					expect.LostAnswers(slow.During()).None(),
					expect.BookedOtherwiseInFront(slow.During()).None(),
					expect.BookedServed(slow.During()).None(),
				},
			}
			if c.front < c.gateway {
				s.Expect = append(s.Expect, expect.BookedErrors(slow.During()).None())
			}
			harness.Run(t, s)
		})
	}
}
