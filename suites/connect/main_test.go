// Package connect breaks what comes before a request: the gateway wants a connection to a backend, and gets none, or one
// that is worth nothing.
//
//	client ----- gateway ---- SYN ---->|  backend
//	                  <--- RST --------|             refused: the process is gone
//	                  <- - - - - - - - |             no answer: the machine is gone, or its queue is full
//	                  <--- SYN/ACK FIN |             accepted, and ended: a balancer with nobody behind it
//	                  <--- 404 --------|  stranger   the address belongs to somebody else
//
// No request has been executed in any of them, so that another backend can take each over, a POST too. Where there is no
// other, the client wants to be told at once, and served again as soon as the backend is back.
package connect

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
)

func TestMain(m *testing.M) { harness.Main(m) }

// both draws GETs and POSTs at random: where nothing was sent the method must make no difference.
var both = load.Mix{load.GET("/orders"), load.POST("/orders")}

// The loads are closed loops: a machine that stalls makes one request of a connection late, and not all that were due
// meanwhile. 29 requests are needed to judge a promise of none.

// serial is one connection, which sends again 20 ms after each answer, some eighty times in 2 s: no request meets another
// one, so that a further attempt finds the backends in the order in which the gateway left them.
func serial(what load.Source) load.Closed {
	return load.Closed{Connections: 1, Think: 20 * time.Millisecond, For: 2 * time.Second, Request: what}
}

// crowd is 40 connections: enough to judge even where each request waits for as long as a fault lasts.
func crowd(think, lasts time.Duration) load.Closed {
	return load.Closed{Connections: 40, Think: think, For: lasts, Request: both}
}

// always is the whole run, for faults that last as long.
var always = record.Phase{}
