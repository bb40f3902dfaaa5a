package fault

import (
	"context"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// FillAcceptQueue fills the queue of the backend's listener and accepts nothing: whoever opens a connection is not
// answered, and tries again after 1, 3 and 7 s (catalogue B4). Connections that are open go on. The kernel does it, so
// nothing is counted; a probe proves it.
type FillAcceptQueue struct{}

var _ Fault = FillAcceptQueue{}

func (f FillAcceptQueue) String() string { return "full accept queue" }

// Validate finds nothing wrong.
func (f FillAcceptQueue) Validate() error { return nil }

// Acts on new connections.
func (f FillAcceptQueue) Acts() Act { return onConnect }

// Inject fills the queue.
func (f FillAcceptQueue) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, backend.Rule{On: backend.OnConnect, End: backend.Hang}, as)
}
