package fault

import (
	"context"
	"net/http"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// UnsolicitedTimeout answers an unused connection with 408 Request Timeout before it closes it, as some servers do when
// their idle timeout has passed. A gateway that has just sent a request there takes it for the answer.
type UnsolicitedTimeout struct {
	// After is the backend's idle timeout.
	After time.Duration
}

var _ Fault = UnsolicitedTimeout{}

func (f UnsolicitedTimeout) String() string {
	return "unsolicited 408 after " + f.After.String() + " idle"
}

// Validate reports everything that is wrong with the fault.
func (f UnsolicitedTimeout) Validate() error { return validate(f.String(), f.rule()) }

// Acts on unused connections.
func (f UnsolicitedTimeout) Acts() Act { return onIdle }

// Inject puts the rule in force.
func (f UnsolicitedTimeout) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f UnsolicitedTimeout) rule() backend.Rule {
	return backend.Rule{
		On: backend.OnIdle, Idle: f.After, Answer: backend.Answer{Status: http.StatusRequestTimeout}, End: FIN,
	}
}
