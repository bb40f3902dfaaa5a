package protocol

import (
	"strconv"
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// The users with the largest cookies get the largest headers, and a gateway has room for so much: for 4 KiB each of them,
// for 5 KiB and 17 KiB all but nginx (proxy_buffer_size 4k) and HAProxy (tune.bufsize 16k), for 48 KiB Go. Whoever lacks
// the room answers 502, at once, and nobody else is the worse for it: the other users' requests go over the same pool
// (catalogue I15; apache/apisix#11726, Azure/EasyAuthForK8s#79). The head without the filling is about 300 bytes. Thirty
// requests of either kind are enough for a promise of none.
func TestLargeHeaders(t *testing.T) {
	t.Parallel()
	for _, kib := range []int{3, 5, 17, 48} {
		t.Run(strconv.Itoa(kib)+"k", func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			large := fault.Window{
				On: orders.Each(), Of: fault.All().OfPath("/cookies"), Inject: fault.OversizeHeaders{Bytes: kib << 10},
			}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   pooled,
				Load: load.Together{
					{Load: load.Constant{Rate: 10, For: 3 * time.Second, Request: load.GET("/cookies")}},
					{Name: "control", Load: load.Constant{Rate: 10, For: 3 * time.Second, Request: load.GET("/orders")}},
				},
				Faults: fault.Schedule{large},
				Expect: expect.All{
					expect.Failures(large.During()).Where(expect.Stream("")).None(),
					expect.Status(502, large.During()).Where(expect.Stream("control")).None(),
					expect.FailuresBut(large.During(), 502).None(),
					expect.AttemptsOver(1, large.During()).None(),
				},
			})
		})
	}
}

// 11 MB of header in lines of 1 KiB, as they would come of a server that adds to the Set-Cookie of every answer it has given:
// no line is longer than what servers send, there are only more and more of them. It is more than the 10 MiB for which those
// in Go have room, and no client takes that much (curl 300 KiB, Chrome 256 KiB, ours 64 KiB). So a gateway that hands it on
// has told its client nothing: 502 is the answer, of everybody, and the other users get theirs (catalogue I15, which has httpd
// refuse it too: it limits the length of a line, and not how many there are). One at a time, since each of them costs as much
// as ten thousand others: some 40 ms where a gateway gives up at its first buffer, up to 200 ms where it reads all of it. So
// their number is what is given, forty for a promise of none, and not their time.
func TestHugeHeaders(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	huge := fault.Window{
		On: orders.Each(), Of: fault.All().OfPath("/cookies"), Inject: fault.OversizeHeaders{Bytes: 11_000_000},
	}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   pooled,
		Load: load.Together{
			{Load: load.Closed{Connections: 1, Think: 50 * time.Millisecond, Requests: 40, For: time.Minute, Request: load.GET("/cookies")}},
			{Name: "control", Load: load.Constant{Rate: 10, For: 6 * time.Second, Request: load.GET("/orders")}},
		},
		Faults: fault.Schedule{huge},
		Expect: expect.All{
			expect.Status(502, huge.During()).Where(expect.Stream("control")).None(),
			expect.FailuresBut(huge.During(), 502).Where(expect.Stream("")).None(),
			expect.AttemptsOver(1, huge.During()).Where(expect.Stream("")).None(),
		},
	})
}

// chunked has the answer framed by chunks, and the body of the request too.
var chunked = load.Request{Method: "POST", Path: "/orders", Body: 128, Answer: 128, Chunked: true}

// An answer that comes a byte at a time is a whole answer: head and body are cut at every place there is. The answer is
// some 400 bytes, a millisecond apart at least, and no gateway's patience is as short as a second. A parser that trips does
// so once in 25 times or so: 120 requests leave no more than one chance in a hundred that it does not (catalogue I16, the
// positive control of the parsers).
func TestByteByByte(t *testing.T) {
	t.Parallel()
	inPieces(t, fault.DripResponse{Every: time.Millisecond}, 12*time.Second, harness.CI)
}

// The same on the link, in pieces of seven bytes, which fall together with no line's end by themselves (catalogue I16;
// Toxiproxy's slicer).
func TestSliced(t *testing.T) {
	t.Parallel()
	inPieces(t, fault.LinkSlicer{Size: 7, Delay: time.Millisecond}, 40*time.Second, harness.Nightly)
}

// inPieces sends ten requests a second: twice as many are 10,000 packets a second on each side of the gateway, and two cores
// that do other things too leave the client behind.
func inPieces(t *testing.T, pieces fault.Fault, lasts time.Duration, profile harness.Profile) {
	t.Helper()
	orders := topology.Replicas("orders", 1)
	cut := fault.Window{On: orders.Each(), Inject: pieces}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   pooled,
		Load:     load.Constant{Rate: 10, For: lasts, Request: load.Mix{load.GET("/orders"), chunked}},
		Faults:   fault.Schedule{cut},
		Expect:   unnoticed(cut.During()),
		Profile:  profile,
	})
}
