package fault

import (
	"context"
	"fmt"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// ErrorStatus lets the backend answer every request with an error status, whole and in order.
type ErrorStatus struct {
	// Status is 400 to 599.
	Status int
}

var _ Fault = ErrorStatus{}

func (f ErrorStatus) String() string { return fmt.Sprintf("status %d", f.Status) }

// Validate reports everything that is wrong with the fault.
func (f ErrorStatus) Validate() error {
	if f.Status < 400 || f.Status > 599 {
		return fmt.Errorf("%s: want 400 to 599", f)
	}
	return nil
}

// Inject puts the rule in force.
func (f ErrorStatus) Inject(ctx context.Context, id string, at Site) (Active, error) {
	return inject(ctx, at, backend.Rule{ID: id, On: backend.OnRequest, Status: f.Status})
}
