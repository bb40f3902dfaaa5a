package fault

import (
	"context"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// WithholdContinue never sends the 100 Continue that a request asks for, as servers may that do not know it (RFC 9110,
// section 10.1.1; catalogue I4). Whoever waits for it before he sends the body must not wait for ever.
type WithholdContinue struct{}

var _ Fault = WithholdContinue{}

func (f WithholdContinue) String() string { return "withheld 100 Continue" }

// Validate finds nothing wrong.
func (f WithholdContinue) Validate() error { return nil }

// Acts on requests.
func (f WithholdContinue) Acts() Act { return onRequest }

// Inject puts the rule in force.
func (f WithholdContinue) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, backend.Rule{On: backend.OnRequest, NoContinue: true}, as)
}
