package idleclose

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// behind is how long after its answer the backend ends a connection: fifty times what the next request takes to come, and
// so every request on a used connection comes too late to be read and too early to be kept from it.
const behind = 50 * time.Millisecond

// atOnce sends each request as soon as the one before is answered. One that meets an end waits for it: with the answer in
// between some 55 ms for one or two requests, on a busy machine twice that, and more than 45 of them in 5 s.
func atOnce(what load.Source) load.Closed {
	return load.Closed{Connections: 1, Think: time.Millisecond, For: 5 * time.Second, Request: what}
}

// A backend that serves one request to a connection and does not say so, as uwsgi's router does, ends it a little after the
// answer: 0 to 5 ms in the field, here as wide as it takes to be met every time, and at night as narrow as it is. A GET is
// sent again; a POST was not read, and is lost all the same. None is executed twice (catalogue A1, A3; unbit/uwsgi#2133). One that
// a busy machine holds up in the gateway for those 50 ms meets the end there: no backend ever hears of it, and no fault counts it.
func TestCloseBehindTheAnswer(t *testing.T) {
	t.Parallel()
	widths := []time.Duration{behind}
	if harness.Running() == harness.Nightly {
		widths = append(widths, 20*time.Millisecond, 5*time.Millisecond)
	}
	for _, width := range widths {
		for _, request := range []load.Request{load.GET("/orders"), load.POST("/orders")} {
			t.Run(request.Method+"-"+width.String(), func(t *testing.T) {
				t.Parallel()
				orders := topology.Replicas("orders", 1)
				closes := fault.Window{On: orders.Each(), Inject: fault.CloseAfterResponse{After: width, By: fault.FIN}}
				harness.Run(t, harness.Scenario{
					Backends: orders,
					Policy:   pooled,
					Load:     atOnce(request),
					Faults:   fault.Schedule{closes},
					Expect: expect.All{
						expect.Failures(closes.During()).None(),
						expect.DuplicateExecutions(closes.During()).None(),
					},
				})
			})
		}
	}
}

// most is how many requests the backend serves to a connection.
const most = 5

// A worker that is replaced after so many requests ends its connections (gunicorn's max_requests). Announced on the last
// answer nobody is the worse for it; unannounced every sixth POST is lost; and a gateway that can be told to use a
// connection no more often than that never meets the end (catalogue A6; benoitc/gunicorn#3038).
func TestRecycledConnections(t *testing.T) {
	t.Parallel()
	fixed := topology.Policy{UpstreamKeepAlive: topology.On, UpstreamRequests: most}
	for name, c := range map[string]struct {
		policy    topology.Policy
		announced bool
	}{
		"announced": {pooled, true}, "unannounced": {pooled, false}, "fixed": {fixed, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			recycles := fault.Window{
				On:     orders.Each(),
				Inject: fault.CloseAfterResponse{Requests: most, After: behind, By: fault.FIN, Announced: c.announced},
			}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   c.policy,
				Load:     atOnce(load.POST("/orders")),
				Faults:   fault.Schedule{recycles},
				Expect: expect.All{
					expect.Failures(recycles.During()).None(),
					expect.AttemptsOver(1, recycles.During()).None(),
				},
			})
		})
	}
}

// A middlebox forgets the connections of the pool and tells nobody: what is sent on one of them is lost until the gateway's
// timeout of a second has passed. That costs one request for each connection that was pooled, and no more: three, since
// answers take 50 ms and three clients wait for them at the same time. They come every 200 ms; 120 ms after one of them the
// connections are unused. Of the 45 or so that follow in four seconds three are 7 %, whose interval ends at 18 %; a gateway
// that went on using them would lose every one. The status is the one of a timeout (catalogue A7;
// kubernetes/kubernetes#32551, istio/istio#33466).
func TestForgottenConnections(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	slow := fault.Window{On: orders.Each(), Inject: fault.DelayResponse{For: 50 * time.Millisecond}}
	forgotten := fault.Window{
		When: fault.Sent(12), From: 120 * time.Millisecond, On: orders.Each(), Inject: fault.ForgetConnections{},
	}
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{UpstreamKeepAlive: topology.On, ResponseTimeout: time.Second},
		Load:     load.Closed{Connections: 3, Think: 150 * time.Millisecond, For: 5 * time.Second, Request: load.POST("/orders")},
		Faults:   fault.Schedule{slow, forgotten},
		Expect: expect.All{
			expect.Failures(forgotten.During()).AtMost(25 * expect.Percent),
			expect.FailuresBut(forgotten.During(), 504).None(),
			expect.AttemptsOver(1, forgotten.During()).None(),
		},
	})
}
