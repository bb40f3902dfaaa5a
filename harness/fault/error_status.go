package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// ErrorStatus lets the backend answer with an error status, whole and in order.
type ErrorStatus struct {
	// Status is 400 to 599.
	Status int
	// RetryAfter, in whole seconds, is what the answer tells the client to wait; zero tells nothing.
	RetryAfter time.Duration
}

var _ Fault = ErrorStatus{}

func (f ErrorStatus) String() string {
	s := fmt.Sprintf("status %d", f.Status)
	if f.RetryAfter > 0 {
		s += ", retry after " + f.RetryAfter.String()
	}
	return s
}

// Validate reports everything that is wrong with the fault.
func (f ErrorStatus) Validate() error {
	if f.Status < 400 || f.Status > 599 {
		return fmt.Errorf("%s: want 400 to 599", f)
	}
	if f.RetryAfter < 0 || f.RetryAfter%time.Second != 0 {
		return fmt.Errorf("%s: want whole seconds", f)
	}
	return nil
}

// Acts on requests.
func (f ErrorStatus) Acts() Act { return onRequest }

// Inject puts the rule in force.
func (f ErrorStatus) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	answer := backend.Answer{Status: f.Status}
	if f.RetryAfter > 0 {
		answer.Fields = []string{fmt.Sprintf("Retry-After: %d", int(f.RetryAfter.Seconds()))}
	}
	return at.script(ctx, backend.Rule{On: backend.OnRequest, Answer: answer}, as)
}
