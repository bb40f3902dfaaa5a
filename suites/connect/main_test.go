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

// steady sends 25 requests a second: 29 are needed to judge a promise of none, so each phase lasts 1.2 s or longer. At this
// rate it takes a stall of 220 ms to make four requests late, which the run would be doubted for.
func steady(what load.Source, lasts time.Duration) load.Constant {
	return load.Constant{Rate: 25, For: lasts, Request: what}
}

// always is the whole run, for faults that last as long.
var always = record.Phase{}
