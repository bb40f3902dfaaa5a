package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// QueueRequests gives the backend a service time, and so many servers that share one queue: a request waits longer the
// more of them are there (M/D/c with Poisson arrivals; catalogue G5). At more than Servers/Service requests a second the
// queue grows for as long as the fault lasts.
type QueueRequests struct {
	Service time.Duration
	Servers int
}

var _ Fault = QueueRequests{}

func (f QueueRequests) String() string {
	return fmt.Sprintf("queue for %d servers of %s each", f.Servers, f.Service)
}

// Validate reports everything that is wrong with the fault.
func (f QueueRequests) Validate() error {
	if f.Service <= 0 || f.Servers < 1 {
		return fmt.Errorf("%s: want a positive time and one server or more", f)
	}
	return nil
}

// Acts on requests.
func (f QueueRequests) Acts() Act { return onRequest }

// Inject puts the rule in force.
func (f QueueRequests) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, backend.Rule{On: backend.OnRequest, Delay: f.Service, Servers: f.Servers}, as)
}
