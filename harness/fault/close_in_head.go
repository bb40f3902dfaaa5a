package fault

import (
	"context"
	"fmt"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// CloseInHead ends the connection of every request that arrives in the middle of the answer's head: the work was done, and
// what the gateway has is no answer yet (catalogue C3).
type CloseInHead struct {
	// At is InStatusLine, InHeaders or AfterHeaders.
	At Point
	// By is how the connection ends: FIN or RST. A reset may overtake what was sent before it.
	By End
}

var _ Fault = CloseInHead{}

func (f CloseInHead) String() string { return "close " + pointName(f.At) + " by " + endName(f.By) }

// Validate reports everything that is wrong with the fault.
func (f CloseInHead) Validate() error {
	if f.At != InStatusLine && f.At != InHeaders && f.At != AfterHeaders {
		return fmt.Errorf("%s: want InStatusLine, InHeaders or AfterHeaders", f)
	}
	return validateEnd(f.String(), f.rule())
}

// Acts on requests.
func (f CloseInHead) Acts() Act { return onRequest.direct(f.By == RST) }

// Inject puts the rule in force.
func (f CloseInHead) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f CloseInHead) rule() backend.Rule {
	return backend.Rule{On: backend.OnRequest, At: f.At, End: f.By}
}
