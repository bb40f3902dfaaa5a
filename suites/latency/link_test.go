package latency

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// distances are those that a link is tried with.
func distances() []time.Duration {
	if harness.Running() == harness.Nightly {
		return []time.Duration{far / 5, far, 3 * far}
	}
	return []time.Duration{far}
}

// All links are long for 2 s. No request fails or is sent again for that, nine in ten take less than three times as long as
// their link, with the opening of a connection and a stall of the machine; and when the links are short again, so are they.
// Of the 80 requests of each part two or three may be slower for other reasons (field report 002, scenario 5).
func TestLatency(t *testing.T) {
	for _, distance := range distances() {
		t.Run(distance.String(), func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			long := fault.Window{For: 2 * time.Second, On: orders.Each(), Inject: fault.LinkLatency{Latency: distance}}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Load:     steady(mixed, 4*time.Second),
				Faults:   fault.Schedule{long},
				Expect: expect.All{
					expect.Failures(long.During()).None(),
					expect.AttemptsOver(1, long.During()).None(),
					expect.LatencyOf(0.9, long.During()).AtMost(3 * distance),
					expect.Failures(long.After(0)).None(),
					expect.LatencyOf(0.9, long.After(0)).AtMost(near),
				},
			})
		})
	}
}

// Jitter delays each piece of an answer by another time, of 0.2 s to 0.8 s, in order. What is put together again is whole:
// a length, chunks, and a hundred kilobytes of either.
func TestJitter(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	uneven := fault.Window{On: orders.Each(), Inject: fault.LinkLatency{Latency: far / 2, Jitter: far * 3 / 10}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Load: steady(load.Mix{
			{Method: "GET", Path: "/orders", Answer: 100_000},
			{Method: "GET", Path: "/orders", Answer: 100_000, Chunked: true},
			load.POST("/orders"),
		}, 2*time.Second),
		Faults: fault.Schedule{uneven},
		Expect: expect.All{
			expect.Failures(uneven.During()).None(),
			expect.AttemptsOver(1, uneven.During()).None(),
		},
	})
}

// A thin link: 300 kB at 100 kB/s take three times the gateway's timeout, and something comes all the time. A download that
// goes on is not cut off (catalogue D3).
func TestBandwidth(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	thin := fault.Window{On: orders.Each(), Inject: fault.LinkBandwidth{KBps: 100}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   limited,
		Load: load.Constant{
			Rate: 20, For: 2 * time.Second, Request: load.Request{Method: "GET", Path: "/orders", Answer: 300_000},
		},
		Faults: fault.Schedule{thin},
		Expect: expect.All{expect.Failures(thin.During()).None()},
	})
}
