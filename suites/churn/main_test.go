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

// busy is one client with a request 5 ms after the answer before: 50 to 150 in a second. A closed loop does not fall behind
// when the machine stalls; that it sends less while answers take long does not matter to a promise of none. It keeps no
// connection, which a gateway that takes a list over may just be closing: that race has TestReload to itself.
func busy(what load.Source, lasts time.Duration) load.Closed {
	return load.Closed{Connections: 1, Think: 5 * time.Millisecond, For: lasts, Request: what, Use: load.PerRequest}
}

// atWork sends 15 requests a second whose work takes half a second each, whether or not they are answered: seven are under
// way at any time, on either of two replicas three or four. In 3 s that is 45 requests, where a promise of none needs 29.
func atWork(r load.Request) load.Constant {
	r.Takes = 500 * time.Millisecond
	return load.Constant{Rate: 15, For: 3 * time.Second, Request: r}
}
