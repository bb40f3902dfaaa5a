package fault

import (
	"context"
	"time"

	"github.com/badgateway/badgateway/harness/load"
)

// AbortWhileWaiting is a client that gives up: it has sent a whole request, and ends the connection when the answer has not
// begun in time (catalogue H1). A gateway should stop the work behind it, try nothing again, and blame nobody.
type AbortWhileWaiting struct {
	// After is how long the client waits for the answer to begin; zero means not at all. An answer that begins before that,
	// other than an interim one, is read as usual, and its request is not touched.
	After time.Duration
	// By is how the connection ends: FIN or RST.
	By End
}

var _ Fault = AbortWhileWaiting{}

func (f AbortWhileWaiting) String() string {
	s := "abort while waiting"
	if f.After != 0 {
		s += " after " + f.After.String()
	}
	return s + " by " + endName(f.By)
}

// Validate reports everything that is wrong with the fault.
func (f AbortWhileWaiting) Validate() error { return validateClient(f.String(), f.rule()) }

// Acts on requests of the client.
func (f AbortWhileWaiting) Acts() Act { return onClient }

// Inject puts the rule in force.
func (f AbortWhileWaiting) Inject(_ context.Context, at Site, as Order) (Active, error) {
	return at.scriptClient(f.rule(), as)
}

func (f AbortWhileWaiting) rule() load.Rule {
	return load.Rule{Do: load.AbortWhileWaiting, After: f.After, By: load.End(f.By)}
}
