// Package overload asks what becomes of requests when there are more than somebody can take: the backend, a limiter behind
// or in the gateway, or the gateway itself; and when a gateway takes backends out that could have served.
//
//	clients ====> gateway ===> backend      a queue that grows, until the timeout fires for everybody in it,
//	   50/s         |   50/s     10/s       while the backend goes on working for those who have left
//	                x limit
//
// Who sends too much may be turned away. Nobody else may notice, what is turned away must not look like a failure of the
// backend, and when it is over it must be over.
package overload

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
)

func TestMain(m *testing.M) { harness.Main(m) }

// limit is the gateway's timeout, of a second, since httpd counts it in whole ones.
const limit = time.Second

// steady sends 50 requests a second, more than any of the limits here let pass.
func steady(what load.Source, lasts time.Duration) load.Constant {
	return load.Constant{Rate: 50, For: lasts, Request: what, Timeout: 5 * limit}
}

// slowed is a backend that serves one request at a time and takes 100 ms for it: 10 a second.
var slowed = fault.QueueRequests{Service: 100 * time.Millisecond, Servers: 1}
