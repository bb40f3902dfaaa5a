package fault

import (
	"context"
	"fmt"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// FailHealthChecks answers readiness and health checks with an error, and everything else as usual (catalogue G6). With
// victims chosen among the checks, every second one, say, the backend's health flips.
type FailHealthChecks struct {
	// Status is 400 to 599.
	Status int
}

var _ Fault = FailHealthChecks{}

func (f FailHealthChecks) String() string { return fmt.Sprintf("health checks fail with %d", f.Status) }

// Validate reports everything that is wrong with the fault.
func (f FailHealthChecks) Validate() error { return validate(f.String(), f.rule()) }

// Acts on readiness checks.
func (f FailHealthChecks) Acts() Act { return onReady }

// Inject puts the rule in force.
func (f FailHealthChecks) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f FailHealthChecks) rule() backend.Rule {
	return backend.Rule{On: backend.OnReady, Answer: backend.Answer{Status: f.Status}}
}
