package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// CloseAfterResponse ends a connection some time after an answer on it, as a server does that serves one request or N
// requests to a connection (catalogue A1, A6). From the answer on nothing is read: a request that comes before the end is
// never executed, and is counted as late.
//
// Connections already pooled when the fault is applied are ended after their next answer.
type CloseAfterResponse struct {
	// After is how long after the answer; it may be zero.
	After time.Duration
	// Requests is how many answers a connection must have had; zero means one.
	Requests int
	By       End
	// Announced puts Connection: close on the last answer.
	Announced bool
}

var _ Fault = CloseAfterResponse{}

func (f CloseAfterResponse) String() string {
	s := "close-after-response by " + endName(f.By)
	if f.Requests > 1 {
		s = fmt.Sprintf("close-after-%d-responses by %s", f.Requests, endName(f.By))
	}
	if f.After > 0 {
		s += ", " + f.After.String() + " later"
	}
	return s + announced(f.Announced)
}

// Validate reports everything that is wrong with the fault.
func (f CloseAfterResponse) Validate() error { return validate(f.String(), f.rule()) }

// Acts on connections that have been answered on.
func (f CloseAfterResponse) Acts() Act { return onAnswered.direct(f.By == RST) }

// Inject puts the rule in force.
func (f CloseAfterResponse) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f CloseAfterResponse) rule() backend.Rule {
	return backend.Rule{On: backend.OnAnswered, Delay: f.After, Requests: f.Requests, Announce: f.Announced, End: f.By}
}
