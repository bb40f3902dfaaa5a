package contract

import (
	"context"
	"runtime"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// effect is what a capability changes, as a client or a backend sees it.
type effect struct {
	of       topology.Capability
	name     string // of the test, where a capability has more than one; else its own
	promise  string
	replicas int
	policy   topology.Policy
	// oneAttempt forbids retries where that can be asked for: one attempt is to take as long as promised, not all together.
	oneAttempt bool
	observe    observation
}

func (e effect) String() string {
	if e.name == "" {
		return string(e.of)
	}
	return e.name
}

func (e effect) inspection() harness.Inspection {
	orders := topology.Replicas("orders", e.replicas)
	return harness.Inspection{
		Backends: orders, Policy: e.policy, Promise: e.promise,
		NoRetries: e.oneAttempt,
		Observe:   func(ctx context.Context, b *harness.Bench) error { return e.observe(ctx, b, orders) },
	}
}

// A timeout of a second is a whole number for those who count in seconds, and far from every default.
const (
	limit = time.Second
	// early is how much sooner a timer may fire: some gateways look at a clock that they read a moment ago.
	early = 100 * time.Millisecond
	// late is how much later the effect of a timeout may be seen on a busy machine; the default of each is later still.
	late = 4 * time.Second
	// never is far beyond both.
	never = 8 * time.Second
)

// workers is more than any gateway takes by default, which is at most as many as there are processors.
var workers = runtime.NumCPU() + 3

var effects = []effect{
	{
		of: "retries", promise: "a refused connection goes unnoticed", replicas: 2,
		policy:  topology.Policy{Retries: 1},
		observe: firstReplica(backend.Rule{On: backend.OnConnect, End: backend.Refuse}, get),
	},
	{
		of: "retries", name: "retries-at-most", promise: "a request whose every attempt is reset gets one more, not two", replicas: 3,
		policy:  topology.Policy{Retries: 1, RetryOn: []topology.Cause{topology.OnReset}},
		observe: everyAttemptReset(get, 2),
	},
	{
		of: "no-retries", promise: "a request that was reset gets no second attempt", replicas: 2,
		policy:  topology.Policy{Retries: topology.NoRetries},
		observe: everyAttemptReset(get, 1),
	},
	{
		of: "no-retries", name: "no-retries-stale", promise: "a request on a stale connection gets no second attempt", replicas: 1,
		policy:  topology.Policy{Retries: topology.NoRetries, UpstreamKeepAlive: topology.On},
		observe: notRetriedWhenStale,
	},
	{
		of: "retry-connect", promise: "a refused connection goes unnoticed", replicas: 2,
		policy:  topology.Policy{Retries: 1, RetryOn: []topology.Cause{topology.OnConnect}},
		observe: firstReplica(backend.Rule{On: backend.OnConnect, End: backend.Refuse}, get),
	},
	{
		of: "retry-reset", promise: "a reset goes unnoticed", replicas: 2,
		policy:  topology.Policy{Retries: 1, RetryOn: []topology.Cause{topology.OnReset}},
		observe: firstReplica(backend.Rule{On: backend.OnRequest, End: backend.RST}, get),
	},
	{
		of: "retry-timeout", promise: "an answer that does not come in time goes unnoticed", replicas: 2,
		policy: topology.Policy{
			Retries: 1, RetryOn: []topology.Cause{topology.OnTimeout}, ResponseTimeout: limit,
		},
		observe: firstReplica(backend.Rule{On: backend.OnRequest, Delay: never}, get),
	},
	{
		of: "retry-status", promise: "a 503 goes unnoticed", replicas: 2,
		policy:  topology.Policy{Retries: 1, RetryOn: []topology.Cause{topology.OnStatus}},
		observe: firstReplica(backend.Rule{On: backend.OnRequest, Answer: backend.Answer{Status: 503}}, get),
	},
	{
		of: "retry-non-idempotent", promise: "a reset goes unnoticed by a POST", replicas: 2,
		policy: topology.Policy{
			Retries: 1, RetryOn: []topology.Cause{topology.OnReset}, RetryNonIdempotent: topology.On,
		},
		observe: firstReplica(backend.Rule{On: backend.OnRequest, End: backend.RST}, load.POST("/orders")),
	},
	{
		of: "retry-idempotent-only", promise: "a POST that was reset gets no second attempt", replicas: 2,
		policy: topology.Policy{
			Retries: 1, RetryOn: []topology.Cause{topology.OnReset}, RetryNonIdempotent: topology.Off,
		},
		observe: everyAttemptReset(load.POST("/orders"), 1),
	},
	{
		of: "connect-timeout", promise: "a connection that nobody answers is given up after 1 s", replicas: 1,
		policy: topology.Policy{ConnectTimeout: limit}, oneAttempt: true,
		observe: givesUp(backend.Rule{On: backend.OnConnect, End: backend.Hang}),
	},
	{
		of: "response-timeout", promise: "an answer that does not begin is given up after 1 s", replicas: 1,
		policy: topology.Policy{ResponseTimeout: limit}, oneAttempt: true,
		observe: givesUp(backend.Rule{On: backend.OnRequest, Delay: never}),
	},
	{
		of: "read-timeout", promise: "an answer that stops in its body is given up after 1 s", replicas: 1,
		policy: topology.Policy{ReadTimeout: limit}, oneAttempt: true,
		observe: givesUp(backend.Rule{On: backend.OnRequest, At: backend.InBody, Delay: never}),
	},
	{
		of: "upstream-keep-alive", promise: "backend connections are used again", replicas: 1,
		policy:  topology.Policy{UpstreamKeepAlive: topology.On},
		observe: uses(func(most int) bool { return most > 1 }),
	},
	{
		of: "upstream-keep-alive-off", promise: "no backend connection is used twice", replicas: 1,
		policy:  topology.Policy{UpstreamKeepAlive: topology.Off},
		observe: uses(func(most int) bool { return most == 1 }),
	},
	{
		of: "upstream-requests", promise: "a backend connection carries 5 requests and no more", replicas: 1,
		policy:  topology.Policy{UpstreamKeepAlive: topology.On, UpstreamRequests: 5},
		observe: uses(func(most int) bool { return most == 5 }),
	},
	{
		of: "upstream-connections", promise: "of 8 requests at once the backend has 3 at a time", replicas: 1,
		policy:  topology.Policy{UpstreamConnections: connections},
		observe: connectionsAreLimited,
	},
	{
		of: "upstream-idle-timeout", promise: "a backend connection that is unused for 1 s is not used again", replicas: 1,
		policy:  topology.Policy{UpstreamKeepAlive: topology.On, UpstreamIdleTimeout: limit},
		observe: idleConnectionIsLeft,
	},
	{
		of: "upstream-pool-size", promise: "of 8 backend connections 3 are kept", replicas: 1,
		policy:  topology.Policy{UpstreamKeepAlive: topology.On, UpstreamPoolSize: poolSize},
		observe: poolIsKept,
	},
	{
		of: "passive-health", promise: "a backend that resets 2 requests gets no more for 2 s, and then does", replicas: 2,
		policy:  topology.Policy{PassiveHealth: topology.PassiveHealth{Failures: failures, Eject: 2 * time.Second}},
		observe: ejected,
	},
	{
		of: "active-health", promise: "a backend whose health check fails gets no requests until it passes", replicas: 2,
		policy:  topology.Policy{ActiveHealth: topology.ActiveHealth{Path: "/__ready", Interval: time.Second}},
		observe: checked,
	},
	{
		of: "circuit-breaker", promise: "of 40 requests in a second, all of which would fail, most reach no backend, until it is well", replicas: 1,
		policy:  topology.Policy{CircuitBreaker: topology.CircuitBreaker{Open: 3 * time.Second, Recovery: time.Second}},
		observe: breaks,
	},
	{
		of: "client-idle-timeout", promise: "a client connection that is unused for 1 s is closed", replicas: 1,
		policy:  topology.Policy{ClientIdleTimeout: limit},
		observe: closesIdleClient,
	},
	{
		of: "request-timeout", promise: "a client that does not finish the head of its request is turned away after 1 s", replicas: 1,
		policy:  topology.Policy{RequestTimeout: limit},
		observe: turnsSlowClientAway,
	},
	{
		of: "rate-limit", promise: "of 100 requests per second 5 pass, and the backends do not hear of the others", replicas: 1,
		policy:  topology.Policy{RateLimit: 5},
		observe: limitsRate,
	},
	{
		of: "workers", promise: "as many processes or threads serve as asked for", replicas: 1,
		policy:  topology.Policy{Workers: workers},
		observe: hasWorkers,
	},
}
