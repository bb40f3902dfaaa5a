package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// DelayResponse lets the backend wait before it answers, or in the middle of its answer, as one does that is busy. Work
// that the gateway gives up waiting for is finished all the same (catalogue D1, D2, D6). It is the service time of a
// backend that has room for everybody; see QueueRequests for one that has not.
type DelayResponse struct {
	For time.Duration
	// At is where the backend waits; the zero Point is before the response.
	At Point
}

var _ Fault = DelayResponse{}

func (f DelayResponse) String() string {
	s := "delay of " + f.For.String()
	if f.At != BeforeAnswer {
		s += " " + pointName(f.At)
	}
	return s
}

// Validate reports everything that is wrong with the fault.
func (f DelayResponse) Validate() error {
	if f.For <= 0 {
		return fmt.Errorf("%s: want a positive time", f)
	}
	return validate(f.String(), f.rule())
}

// Acts on requests.
func (f DelayResponse) Acts() Act { return onRequest }

// Inject puts the rule in force.
func (f DelayResponse) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f DelayResponse) rule() backend.Rule {
	return backend.Rule{On: backend.OnRequest, Delay: f.For, At: f.At}
}
