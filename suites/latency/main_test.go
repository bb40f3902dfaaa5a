// Package latency makes links long, uneven and thin, and one of several backends slow. Nothing is broken, so nothing may
// fail; and what is slow may slow down its own share of the requests, and no other.
//
//	              +--- backend   fast
//	client --- gateway --- backend   1 s away
//	              +--- backend   fast
package latency

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	// far is how far away a slow backend is. It is what a request takes that meets it, at least.
	far = time.Second
	// near is what tells requests that met no slowness: half of far, and a hundred times what an answer takes.
	near = far / 2
	// limit is the gateway's timeout where one is asked for; httpd counts it in whole seconds.
	limit = time.Second
)

var limited = topology.Policy{ResponseTimeout: limit}

var mixed = load.Mix{load.GET("/orders"), load.POST("/orders")}

// steady sends 40 requests a second, as many as keep a stall of the machine from making more than a few late.
func steady(what load.Source, lasts time.Duration) load.Constant {
	return load.Constant{Rate: 40, For: lasts, Request: what}
}
