package fault

import (
	"context"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// CloseOnAccept accepts connections and ends them at once, as a load balancer does that has nobody behind it (catalogue
// B7). Connections that are open go on.
type CloseOnAccept struct {
	By End
}

var _ Fault = CloseOnAccept{}

func (f CloseOnAccept) String() string { return "close-on-accept by " + endName(f.By) }

// Validate reports everything that is wrong with the fault.
func (f CloseOnAccept) Validate() error { return validate(f.String(), f.rule()) }

// Acts on connections that have been accepted.
func (f CloseOnAccept) Acts() Act { return onAccept }

// Inject puts the rule in force.
func (f CloseOnAccept) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f CloseOnAccept) rule() backend.Rule { return backend.Rule{On: backend.OnAccept, End: f.By} }
