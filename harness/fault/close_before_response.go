package fault

import (
	"context"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// CloseBeforeResponse ends the connection of every request that arrives, new or reused, without an answer (catalogue C1,
// C2). The request is read to its end first, unless Unread says otherwise; it is not executed unless Executed says so.
type CloseBeforeResponse struct {
	// By is how the connection ends: FIN or RST.
	By End
	// Unread leaves the request's body unread.
	Unread bool
	// Executed does the request's work before the connection ends, so that a second attempt does it twice.
	Executed bool
}

var _ Fault = CloseBeforeResponse{}

func (f CloseBeforeResponse) String() string {
	s := "close-before-response by " + endName(f.By)
	if f.Unread {
		s += ", unread"
	}
	if f.Executed {
		s += ", executed"
	}
	return s
}

// Validate reports everything that is wrong with the fault.
func (f CloseBeforeResponse) Validate() error { return validateEnd(f.String(), f.rule()) }

// Acts on requests. One that is still being sent when its connection ends is not ended in the same way behind Toxiproxy.
func (f CloseBeforeResponse) Acts() Act { return onRequest.direct(f.By == RST || f.Unread) }

// Inject puts the rule in force.
func (f CloseBeforeResponse) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f CloseBeforeResponse) rule() backend.Rule {
	r := backend.Rule{On: backend.OnRequest, Execute: f.Executed, End: f.By}
	if f.Unread {
		r.At = BeforeBody
	}
	return r
}
