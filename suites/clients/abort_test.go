package clients

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// work is how long the backend takes for their requests, and patience how long the clients wait: a tenth of it, so that
// there is time to tell the backend on any machine. The load goes on for twice as long: of the requests in its first half the
// backend is seen to answer those that it was not told of.
const (
	work     = time.Second
	patience = 100 * time.Millisecond
)

// Clients give up while the backend works. The gateway ends the attempt, which the backend sees long before it has finished,
// and blames nobody for it: two backends stay in service, at one attempt each (catalogue H1; golang/go#20071,
// caddyserver/caddy#7396).
func TestAbortWhileWaiting(t *testing.T) {
	t.Parallel()
	for name, policy := range policies {
		for _, by := range []fault.End{fault.FIN, fault.RST} {
			t.Run(name+"-"+string(by), func(t *testing.T) {
				t.Parallel()
				profile := harness.CI
				if name == "default" && by == fault.FIN {
					profile = harness.Smoke
				}
				orders := topology.Replicas("orders", 2)
				slow := fault.Window{On: orders.Each(), Of: ofTheirs, Inject: fault.DelayResponse{For: work}}
				abort := fault.Window{On: topology.Client, Of: ofTheirs, Inject: fault.AbortWhileWaiting{After: patience, By: by}}
				harness.Run(t, harness.Scenario{
					Backends: orders,
					Policy:   policy,
					Load:     beside(load.Mix{load.GET(theirs), load.POST(theirs)}),
					Faults:   fault.Schedule{slow, abort},
					Expect:   append(unnoticed(abort.During()), expect.LostAnswers(abort.During()).None()),
					Profile:  profile,
				})
			})
		}
	}
}

// Clients go in the middle of an upload of 64 KiB, framed by a length or by chunks. No backend executes a part of it, none
// is put aside for it, and there is nothing that could be sent again (catalogue H2; traefik/traefik#11538).
func TestAbortUpload(t *testing.T) {
	t.Parallel()
	for name, policy := range policies {
		for framing, chunked := range map[string]bool{"length": false, "chunks": true} {
			t.Run(name+"-"+framing, func(t *testing.T) {
				t.Parallel()
				orders := topology.Replicas("orders", 2)
				abort := fault.Window{On: topology.Client, Of: ofTheirs, Inject: fault.AbortUpload{By: fault.FIN}}
				upload := load.Request{Method: "POST", Path: theirs, Body: 64 << 10, Answer: 128, Chunked: chunked}
				harness.Run(t, harness.Scenario{
					Backends: orders,
					Policy:   policy,
					Load:     beside(upload),
					Faults:   fault.Schedule{abort},
					Expect:   append(unnoticed(abort.During()), expect.AlteredBodies(abort.During()).None()),
				})
			})
		}
	}
}

// Clients go when they have seen the first kilobyte of 256, while the backend has not sent the second half. The gateway ends
// the attempt, which the backend sees long before it goes on, and what is left of the answer comes to nobody else: that no
// answers are crossed always holds (catalogue H3).
func TestAbortDownload(t *testing.T) {
	t.Parallel()
	for name, policy := range policies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			slow := fault.Window{On: orders.Each(), Of: ofTheirs, Inject: fault.DelayResponse{For: work, At: fault.InBody}}
			abort := fault.Window{On: topology.Client, Of: ofTheirs, Inject: fault.AbortDownload{Byte: 1 << 10, By: fault.RST}}
			download := load.Request{Method: "GET", Path: theirs, Answer: 256 << 10}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   policy,
				Load:     beside(download),
				Faults:   fault.Schedule{slow, abort},
				Expect:   append(unnoticed(abort.During()), expect.LostAnswers(abort.During()).None()),
			})
		})
	}
}

// Clients close their sending side behind the request, as they may, and wait for the answer, which takes its time (RFC
// 9112, section 9.6; catalogue H7). They get it: a half-closed connection is not a client that has gone.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	slow := fault.Window{On: orders.Each(), Inject: fault.DelayResponse{For: patience}} // the others too: theirs may not come at all
	half := fault.Window{On: topology.Client, Of: ofTheirs, Inject: fault.HalfClose{}}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Load:     beside(load.Mix{load.GET(theirs), load.POST(theirs)}),
		Faults:   fault.Schedule{slow, half},
		Expect:   served(half.During()),
	})
}
