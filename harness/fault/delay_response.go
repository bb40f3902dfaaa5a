package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// DelayResponse lets the backend wait before it answers, as one does that is busy. Work that the gateway gives up waiting
// for is finished all the same (catalogue D1, D6).
type DelayResponse struct {
	// For is how long: before the head of the answer, or InBody behind its head and the first half of its body.
	For    time.Duration
	InBody bool
}

var _ Fault = DelayResponse{}

func (f DelayResponse) String() string {
	if f.InBody {
		return "delay of " + f.For.String() + " in the body"
	}
	return "delay of " + f.For.String()
}

// Validate reports everything that is wrong with the fault.
func (f DelayResponse) Validate() error {
	if f.For <= 0 {
		return fmt.Errorf("%s: want a positive time", f)
	}
	return f.rule(f.String()).Validate()
}

// Inject puts the rule in force.
func (f DelayResponse) Inject(ctx context.Context, id string, at Site) (Active, error) {
	return inject(ctx, at, f.rule(id))
}

func (f DelayResponse) rule(id string) backend.Rule {
	return backend.Rule{ID: id, On: backend.OnRequest, Delay: f.For, InBody: f.InBody}
}
