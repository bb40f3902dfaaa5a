// Package churn replaces, stops and restarts what stands behind the gateway, and the gateway itself, while clients go on.
//
//	            list: orders-1, orders-2            (told late)
//	                 |
//	client ---- gateway ------- orders-1  .  (ends)
//	                 \--------- orders-2  -------->
//
// A rollout is no incident: backends come and go all day, and nobody should notice. What goes wrong is the order of things:
// a process that ends before the gateway knows, work that is under way when it does, connections that outlive the list.
package churn

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
)

func TestMain(m *testing.M) { harness.Main(m) }

// run is the whole run: a request that is under way when something changes counts too.
var run record.Phase

// busy keeps four connections busy, each with a request 10 ms after the answer before: 200 or 300 in a second. A closed loop
// does not fall behind when the machine stalls; that it sends less while answers take long does not matter to a promise of
// none.
func busy(what load.Source, lasts time.Duration) load.Closed {
	return load.Closed{Connections: 4, Think: 10 * time.Millisecond, For: lasts, Request: what}
}

// working is a request whose work takes half a second, so that some of it is under way whenever a process ends: with four
// connections, one request or more on either of two replicas.
func working(r load.Request) load.Request {
	r.Takes = 500 * time.Millisecond
	return r
}
