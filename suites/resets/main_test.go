// Package resets breaks what comes after a request: the backend has read it, and its connection ends before the answer is
// whole, or what comes is no answer.
//
//	client ----- gateway ---- request --->|  backend
//	                  <--- FIN, RST ------|       before the first byte: was it executed? nobody knows
//	                  <--- HTTP/1.1 2 FIN |       in the head: there is no answer yet
//	                  <--- 200, half, FIN |       in the body: the client has the status already, and half of the rest
//	                  <--- garbage -------|       anything but HTTP/1
//
// Before the end of the head the gateway can still answer by itself, with 502, and try another backend if the method allows
// it. After that all it can do is to break off the client's connection too: half an answer must never look whole.
package resets

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

func TestMain(m *testing.M) { harness.Main(m) }

// steady is 150 requests on three connections, each of which sends again 20 ms after an answer: in a second, or as many as
// there are in ten; a promise of none needs 29. A closed loop, so that a machine that stalls makes one request of a connection
// late, and not all that were due meanwhile. Where every fifth request is never answered, as on Traefik's fast proxy, a client
// that gives up after 2 s still sends some seventy in that time, and one that does not sends as many as it has connections.
func steady(what load.Source) load.Closed {
	return load.Closed{
		Connections: 3, Requests: 150, Think: 20 * time.Millisecond, For: 10 * time.Second, Request: what, Timeout: 2 * time.Second,
	}
}

// always is the whole run: the faults here last as long.
var always = record.Phase{}

// ends are the ways in which a connection ends.
var ends = []fault.End{fault.FIN, fault.RST}

// onlyIf is the profile of a scenario of a sweep: the telling ones are run by every change, the others by night.
func onlyIf(telling bool) harness.Profile {
	if telling {
		return harness.CI
	}
	return harness.Nightly
}

// onEvery injects the fault into every request to the only backend, with the gateway's own defaults.
func onEvery(t *testing.T, inject fault.Fault, sent load.Load, promises ...expect.Expectation) {
	t.Helper()
	onEveryIn(t, harness.CI, inject, sent, promises...)
}

// onEveryIn is onEvery in that profile and in longer ones.
func onEveryIn(t *testing.T, least harness.Profile, inject fault.Fault, sent load.Load, promises ...expect.Expectation) {
	t.Helper()
	orders := topology.Replicas("orders", 1)
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Load:     sent,
		Faults:   fault.Schedule{{On: orders.Each(), Inject: inject}},
		Expect:   promises,
		Profile:  least,
	})
}
