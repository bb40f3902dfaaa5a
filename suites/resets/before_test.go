package resets

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// The only backend does the work and ends the connection without an answer, as one does that crashes, or is killed for
// taking too long (catalogue C1, C2; traefik/traefik#6656, unbit/uwsgi#1576). The connection is always a new one, since
// none outlives its first request, so that nobody may take it for stale: the request is not sent again, not even a GET,
// and its client is told with 502 or 503.
func TestNoAnswer(t *testing.T) {
	for _, by := range ends {
		t.Run(string(by), func(t *testing.T) {
			t.Parallel()
			onEvery(t, fault.CloseBeforeResponse{By: by, Executed: true}, steady(load.Mix{load.GET("/orders"), load.POST("/orders")}),
				expect.FailuresBut(always, 502, 503).None(),
				expect.AttemptsOver(1, always).None())
		})
	}
}

// The same for clients that open a connection for each request: to those every gateway answers (catalogue C1; 0.3, fact 4).
func TestNoAnswerOnFirstRequests(t *testing.T) {
	request := steady(load.GET("/orders"))
	request.Use = load.PerRequest
	onEvery(t, fault.CloseBeforeResponse{By: fault.FIN}, request, expect.FailuresBut(always, 502, 503).None())
}

// One of two backends ends every connection, before an answer or in its head, and the gateway is asked for one retry on
// resets (catalogue C1, C2, C3). A GET may be executed twice: the other backend answers it, and nobody notices. One request
// at a time, so that the next backend in turn is the other one; eighty of them.
func TestGetMovesOn(t *testing.T) {
	serial := load.Closed{Connections: 1, Requests: 80, Think: 20 * time.Millisecond, For: 10 * time.Second, Request: load.GET("/orders")}
	for name, inject := range map[string]fault.Fault{
		"fin":             fault.CloseBeforeResponse{By: fault.FIN, Executed: true},
		"rst":             fault.CloseBeforeResponse{By: fault.RST, Executed: true},
		"fin-in-the-head": fault.CloseInHead{At: fault.InHeaders, By: fault.FIN},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   topology.Policy{Retries: 1, RetryOn: []topology.Cause{topology.OnReset}},
				Load:     serial,
				Faults:   fault.Schedule{{On: orders.Replica(2), Inject: inject}},
				Expect:   expect.All{expect.Failures(always).None()},
				Profile:  onlyIf(name != "rst"),
			})
		})
	}
}

// A POST has been executed when its connection ends, and must not be executed again: neither by default nor where a retry on
// resets was asked for, as long as nobody said "any method" (catalogue C1; RFC 9110, section 9.2.2). Its failure is the
// lesser evil, and no promise here.
func TestPostIsNotExecutedTwice(t *testing.T) {
	for name, policy := range map[string]topology.Policy{
		"default": {},
		"retries": {Retries: 1, RetryOn: []topology.Cause{topology.OnReset}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   policy,
				Load:     steady(load.POST("/orders")),
				Faults:   fault.Schedule{{On: orders.Replica(2), Inject: fault.CloseBeforeResponse{By: fault.FIN, Executed: true}}},
				Expect:   expect.All{expect.DuplicateExecutions(always).None()},
				Profile:  harness.Smoke,
			})
		})
	}
}

// What one path suffers must not be felt on another one, though both share a backend and the gateway's pool (catalogue,
// part 6, 7). One backend, so that no other can be put aside for it.
func TestOtherPathsGoOn(t *testing.T) {
	for name, inject := range map[string]fault.Fault{
		"before-the-answer": fault.CloseBeforeResponse{By: fault.RST},
		"in-the-body":       fault.CloseInBody{By: fault.FIN, Framing: fault.ByChunks},
		"malformed":         fault.MalformResponse{As: fault.BadHeader},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			ill := load.Constant{Rate: 10, For: 1200 * time.Millisecond, Request: load.GET("/ill")}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   topology.Policy{UpstreamKeepAlive: topology.On},
				Load:     load.Together{{Load: steady(load.POST("/orders"))}, {Name: "ill", Load: ill}},
				Faults:   fault.Schedule{{On: orders.Each(), Of: fault.All().OfPath("/ill"), Inject: inject}},
				Expect:   expect.All{expect.Failures(always).Where(expect.Stream("")).None()},
			})
		})
	}
}
