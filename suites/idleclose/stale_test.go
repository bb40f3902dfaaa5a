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

// pooled asks for the pool that some gateways have only when asked.
var pooled = topology.Policy{UpstreamKeepAlive: topology.On}

// stale is the race of catalogue A1 on every reuse: the request is written, then the connection ends without an answer.
func stale(by fault.End, backends topology.Group) fault.Window {
	return fault.Window{On: backends.Each(), Inject: fault.CloseOnReuse{By: by}}
}

// steady sends one request every 40 ms; answers take well under that, so a request mostly has the pool to itself. Of 50
// requests each meets a stale connection if it is sent again, and every second one if not.
func steady(what load.Source) load.Constant {
	return load.Constant{Rate: 25, For: 2 * time.Second, Request: what}
}

// anyMethod draws what gateways treat differently.
var anyMethod = load.Mix{load.GET("/orders"), load.POST("/orders")}

// A GET on a stale connection is sent again, on a new one: nobody notices, at two attempts each. A second connection in
// the pool, opened when two requests overlapped, can be stale too and cost a third attempt; one request in five may. How many
// overlap depends on how busy the machine is, so that fifty requests may not decide it.
func TestGetIsSentAgain(t *testing.T) {
	t.Parallel()
	onEveryReuse(t, load.GET("/orders"), harness.CI, func(stale fault.Window) expect.All {
		return expect.All{
			expect.Failures(stale.During()).None(),
			expect.AttemptsPerRequest(stale.During()).AtMost(2.2),
			expect.DuplicateExecutions(stale.During()).None(),
		}
	})
}

// A POST on a stale connection must not be sent again: the gateway cannot know that it was not executed. What its user
// gets should still be an answer. Without a pool there is no stale connection and no failure.
func TestPostIsNotSentAgain(t *testing.T) {
	t.Parallel()
	onEveryReuse(t, load.POST("/orders"), harness.Smoke, func(stale fault.Window) expect.All {
		return expect.All{
			expect.AttemptsOver(1, stale.During()).None(),
			expect.Failures(stale.During()).None(),
		}
	})
}

// onEveryReuse closes every connection that is used again, in order and by a reset, with the gateway's own pool and with
// one that was asked for. That of the asked one by a FIN, where the promise is most likely to be broken, is of that profile.
func onEveryReuse(t *testing.T, request load.Request, telling harness.Profile, promises func(stale fault.Window) expect.All) {
	t.Helper()
	for name, policy := range map[string]topology.Policy{"default": {}, "pooled": pooled} {
		for _, by := range []fault.End{fault.FIN, fault.RST} {
			t.Run(name+"-"+string(by), func(t *testing.T) {
				t.Parallel()
				profile := harness.CI
				if name == "pooled" && by == fault.FIN {
					profile = telling
				}
				orders := topology.Replicas("orders", 1)
				stale := stale(by, orders)
				harness.Run(t, harness.Scenario{
					Backends: orders,
					Policy:   policy,
					Load:     steady(request),
					Faults:   fault.Schedule{stale},
					Expect:   promises(stale),
					Profile:  profile,
					Looks:    3,
				})
			})
		}
	}
}

// The blunt fix: without a pool there is no connection to be stale, at the price of one connection for each request
// (catalogue A10; as recommended in field reports, X2).
func TestWithoutPool(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	stale := stale(fault.FIN, orders)
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{UpstreamKeepAlive: topology.Off},
		Load:     steady(load.POST("/orders")),
		Faults:   fault.Schedule{stale},
		Expect: expect.All{
			expect.Failures(stale.During()).None(),
			expect.RequestsTouched(stale.During()).None(),
		},
	})
}

// With two replicas the other one could take the request over, and the failed one may be put aside for a while.
func TestTwoReplicas(t *testing.T) {
	t.Parallel()
	for _, request := range []load.Request{load.GET("/orders"), load.POST("/orders")} {
		t.Run(request.Method, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			stale := stale(fault.FIN, orders)
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   pooled,
				Load:     load.Constant{Rate: 100, For: 4 * time.Second, Request: request},
				Faults:   fault.Schedule{stale},
				Expect: expect.All{
					expect.Failures(stale.During()).None(),
					expect.DuplicateExecutions(stale.During()).None(),
				},
			})
		})
	}
}

// When the connections are good again, so is the service: both backends have been all right all the time. It is given half
// a second; what follows in the load are more than forty requests (catalogue A4; nginx-proxy/nginx-proxy#1495).
func TestTwoReplicasRecover(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	stale := stale(fault.FIN, orders)
	stale.When, stale.For = fault.Sent(5), 500*time.Millisecond
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   pooled,
		Load:     load.Constant{Rate: 25, For: 3 * time.Second, Request: load.GET("/orders")},
		Faults:   fault.Schedule{stale},
		Expect:   expect.All{expect.Recovery(stale.After(0)).Within(500 * time.Millisecond)},
	})
}

// What fails should fail with an answer. A connection that is closed without one leaves it to the client to find out what
// has happened, and no counter of 5xx ever sees it (catalogue A5; haproxy/haproxy#1423, #1109).
func TestFailureIsAnAnswer(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	stale := stale(fault.FIN, orders)
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   pooled,
		Load:     steady(anyMethod),
		Faults:   fault.Schedule{stale},
		Expect:   expect.All{expect.FailuresBut(stale.During(), 500, 502, 503, 504).None()},
	})
}

// How the client uses its own connections decides, in some gateways, which backend connection a request gets and what a
// failure looks like (catalogue 0.3, fact 4). The promise is the same for all: a GET does not fail.
func TestClientConnections(t *testing.T) {
	t.Parallel()
	for name, connections := range map[string]load.Connections{
		"per-request": load.PerRequest, "per-request-http10": load.PerRequestHTTP10,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			stale := stale(fault.FIN, orders)
			get := steady(load.GET("/orders"))
			get.Connections = connections
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   pooled,
				Load:     get,
				Faults:   fault.Schedule{stale},
				Expect:   expect.All{expect.Failures(stale.During()).None()},
			})
		})
	}
}
