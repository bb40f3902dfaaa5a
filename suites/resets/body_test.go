package resets

import (
	"testing"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// sizes of answers: one that fits into any buffer, and one that fits into none (nginx has 64 KiB for an answer, HAProxy 32).
var sizes = map[string]int{"small": 128, "large": 256 << 10}

// broken promises what half an answer must come to: no client takes it for whole, and nobody asks again for what has begun
// to be answered (catalogue C4; F7). That its end does not look clean, and that its bytes are the backend's, always holds.
var broken = expect.All{
	expect.Status(200, always).None(),
	expect.AttemptsOver(1, always).None(),
}

// The connection ends in the middle of the body, and the body's length, or its last chunk, says that it is not whole
// (catalogue C4, C5; golang/go#23643, h2o/h2o#2070). Not every client gets as far as the status: of a short answer with a
// length Go's reverse proxy and Caddy send nothing before they break off, as it is still in their buffer.
func TestBodyCutOff(t *testing.T) {
	for _, framing := range []fault.Framing{fault.ByLength, fault.ByChunks} {
		for _, by := range ends {
			for size, bytes := range sizes {
				t.Run(string(framing)+"-"+size+"-"+string(by), func(t *testing.T) {
					t.Parallel()
					request := load.GET("/orders")
					request.Answer = bytes
					onEveryIn(t, onlyIf(size == "small"), fault.CloseInBody{By: by, Framing: framing}, steady(request), broken...)
				})
			}
		}
	}
}

// The body ends with the connection, as in HTTP/1.0, in the middle (catalogue C6; Mininglamp-OSS/octo-server#737). A reset
// says so, and must be passed on as a broken end.
func TestCloseDelimitedBodyReset(t *testing.T) {
	onEvery(t, fault.CloseInBody{By: fault.RST, Framing: fault.ByClose}, steady(load.GET("/orders")), broken...)
}

// A FIN says nothing: to the gateway half an answer looks whole, and so it does to its clients. The suite waives the
// invariant that it would break, and keeps the number: only a length or a checksum of the backend's own tells (catalogue C6).
func TestCloseDelimitedBodyEnded(t *testing.T) {
	onEvery(t, fault.CloseInBody{By: fault.FIN, Framing: fault.ByClose}, steady(load.GET("/orders")),
		append(expect.All{expect.Waive("truncated answers that end cleanly", "nothing on the wire tells the gateway")}, broken...)...)
}

// The backend sends the whole answer and ends the connection with the request's body unread, so that the kernel sends a
// reset after it, which takes from the gateway what it has not read yet (catalogue C7; mitmproxy/mitmproxy#8364). What the
// backend has sent its user would like to have; at the least what is left of it does not look whole.
func TestResetOvertakesAnswer(t *testing.T) {
	orders := topology.Replicas("orders", 1)
	upload := load.POST("/orders")
	upload.Body, upload.Answer = 256<<10, 256<<10
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Load:     steady(upload),
		Faults:   fault.Schedule{{On: orders.Each(), Inject: fault.EarlyResponse{Status: 200, By: fault.RST}}},
		Expect: expect.All{
			expect.Failures(always).None(),
			expect.AttemptsOver(1, always).None(),
		},
	})
}
