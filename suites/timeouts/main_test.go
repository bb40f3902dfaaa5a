// Package timeouts lets backends fall silent, at every point of an exchange, and asks whether the gateway's timeout frees
// whoever waits: in time, with a 504, and without the work being done twice.
//
//	client ----- gateway ----- backend
//	  |  request -> |  request ->  |
//	  |             |              :  silence
//	  |   <- 504    x  timeout     :  the work goes on
//
// A timeout is a promise about one silence, and not about the whole: the one for the head of an answer says nothing of its
// body, the one between two reads nothing of an answer that drips, and none of them need speak of a request that is not
// taken in.
package timeouts

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	// limit is the gateway's timeout in all of these scenarios: where the world uses 60 s, a second, since httpd counts it
	// in whole ones.
	limit = time.Second
	// patience is how long users wait, and the deadline of the client: five times the limit is more than a busy machine
	// holds a timer back, and more than two attempts take.
	patience = 5 * limit
)
