package fault

import (
	"context"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// CloseBeforeResponse ends the connection of every request that arrives, new or reused, without an answer. The request is
// read to its end first; it is not executed unless Executed says so (catalogue C1, C2).
type CloseBeforeResponse struct {
	// By is how the connection ends: FIN or RST.
	By End
	// Executed does the request's work before the connection ends, so that a second attempt does it twice.
	Executed bool
}

var _ Fault = CloseBeforeResponse{}

func (f CloseBeforeResponse) String() string {
	s := "close-before-response by " + endName(f.By)
	if f.Executed {
		s += ", executed"
	}
	return s
}

// Validate reports everything that is wrong with the fault.
func (f CloseBeforeResponse) Validate() error { return validateEnded(f.rule(f.String())) }

// Inject puts the rule in force.
func (f CloseBeforeResponse) Inject(ctx context.Context, id string, at Site) (Active, error) {
	return inject(ctx, at, f.rule(id))
}

func (f CloseBeforeResponse) rule(id string) backend.Rule {
	return backend.Rule{ID: id, On: backend.OnRequest, Execute: f.Executed, End: f.By}
}
