package connect

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/topology"
)

// The time for a connection that the policies below ask for, and the one that no request must take: twice what four
// attempts need, and less than what any gateway waits unasked, which is 3 s (Caddy) to 60 s. Real ones are 1 s and more; only
// what is waited for matters, not how long.
const (
	connectTimeout = 300 * time.Millisecond
	tooLong        = 8 * connectTimeout
)

// silences are what a machine that is gone, and one whose queue is full, have in common: no answer to a SYN.
var silences = map[string]fault.Fault{"blackhole": fault.DropConnects{}, "full-queue": fault.FillAcceptQueue{}}

// The only backend answers no SYN (catalogue B3, B4; traefik/traefik#7010, apache/dubbo#5168). What was waited for in vain
// is a timeout, so its status is 504, and it comes when the connect timeout says so.
func TestSilence(t *testing.T) {
	for name, inject := range silences {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   topology.Policy{ConnectTimeout: connectTimeout},
				Load:     crowd(20*time.Millisecond, 1500*time.Millisecond),
				Faults:   fault.Schedule{{On: orders.Each(), Inject: inject}},
				Expect: expect.All{
					expect.FailuresBut(always, 504).None(),
					expect.Slower(tooLong, always).None(),
				},
			})
		})
	}
}

// One of two backends answers no SYN. After one timeout the other one takes the request over, and nobody waits for more
// than that (catalogue B3, B4; traefik/traefik#4710).
func TestSilenceIsPassedBy(t *testing.T) {
	for name, inject := range silences {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   topology.Policy{Retries: 1, ConnectTimeout: connectTimeout},
				Load:     crowd(200*time.Millisecond, 1500*time.Millisecond),
				Faults:   fault.Schedule{{On: orders.Replica(2), Inject: inject}},
				Expect: expect.All{
					expect.Failures(always).None(),
					expect.Slower(tooLong, always).None(),
				},
			})
		})
	}
}

// A queue that is full for 600 ms only (catalogue B4; antiwork/gumroad#7538). The kernel repeats a SYN after 1 s, and finds
// the queue open: no request fails, and none takes as long as a second repetition would, which comes 2 s after the start
// at the earliest.
func TestShortSilenceIsWaitedOut(t *testing.T) {
	orders := topology.Replicas("orders", 1)
	full := fault.Window{For: 600 * time.Millisecond, On: orders.Each(), Inject: fault.FillAcceptQueue{}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Load:     crowd(100*time.Millisecond, 1500*time.Millisecond),
		Faults:   fault.Schedule{full},
		Expect: expect.All{
			expect.Failures(always).None(),
			expect.Slower(1900*time.Millisecond, always).None(),
		},
	})
}
