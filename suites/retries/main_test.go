// Package retries breaks attempts and counts what the gateway makes of it: whether it tries again, how often, where, and
// whether that was safe.
//
//	client ---- request ---- gateway ---- attempt 1 ---- orders-1  (fails)
//	                            \-------- attempt 2 ---- orders-2
//
// A second attempt hides a failure from a client that could not do better itself. It is unsafe where the first one may have
// been executed and the method is not idempotent (RFC 9110, section 9.2.2), and it multiplies the load just when there is
// too much of it.
package retries

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

func TestMain(m *testing.M) { harness.Main(m) }

// steady sends 150 requests one after another, 5 ms after the answer before, where a promise of none needs 29: in a second, or
// as many as there are in thirty where the machine is busy or the gateway waits before it tries again. A closed loop does not fall
// behind when the machine stalls, and with one request at a time no other one changes what the gateway thinks of its backends
// between two attempts. The client gives up after 4 s, which is longer than any gateway takes for two more attempts: one that is
// never answered would be the last one else. Traefik's fast proxy never answers up to one in nine; seven of them leave time for 29.
func steady(what load.Source) load.Closed {
	return load.Closed{
		Connections: 1, Requests: 150, Think: 5 * time.Millisecond, For: 30 * time.Second, Request: what, Timeout: 4 * time.Second,
	}
}

// patient sends 40 requests in 2 s without waiting for answers: where each of them costs a timeout of a second, or the pause
// before another attempt, a closed loop would send too few. They come at random, so that the second attempts of some do not
// fall in step with the first ones of others.
func patient(what load.Source) load.Poisson {
	return load.Poisson{Rate: 20, For: 2 * time.Second, Request: what}
}

// pooled asks for the pool that some gateways have only when asked.
var pooled = topology.Policy{UpstreamKeepAlive: topology.On}
