package fault

import (
	"context"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// CloseInBody ends the connection of every request that arrives behind the head and the first half of its answer's body:
// the work was done, the status is known, and the answer is truncated (catalogue C4, C5).
type CloseInBody struct {
	// By is how the connection ends: FIN or RST. A reset may overtake what was sent before it.
	By End
}

var _ Fault = CloseInBody{}

func (f CloseInBody) String() string { return "close-in-body by " + endName(f.By) }

// Validate reports everything that is wrong with the fault.
func (f CloseInBody) Validate() error { return validateEnded(f.rule(f.String())) }

// Inject puts the rule in force.
func (f CloseInBody) Inject(ctx context.Context, id string, at Site) (Active, error) {
	return inject(ctx, at, f.rule(id))
}

func (f CloseInBody) rule(id string) backend.Rule {
	return backend.Rule{ID: id, On: backend.OnRequest, InBody: true, End: f.By}
}
