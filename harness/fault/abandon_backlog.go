package fault

import (
	"context"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// AbandonBacklog stops the backend from accepting while the kernel goes on to open connections: whoever opens one can send
// a request, which nobody reads. When the fault is lifted the listener is closed, and opened again: the kernel resets what
// was not accepted, as it does to a process that ends with connections in its queue (catalogue B5). No request is executed.
// Connections that were open before go on. The kernel does it, so nothing is counted; a probe proves it.
type AbandonBacklog struct{}

var _ Fault = AbandonBacklog{}

func (f AbandonBacklog) String() string { return "abandoned backlog" }

// Validate finds nothing wrong.
func (f AbandonBacklog) Validate() error { return nil }

// Acts on new connections.
func (f AbandonBacklog) Acts() Act { return onConnect }

// Inject stops accepting.
func (f AbandonBacklog) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, backend.Rule{On: backend.OnConnect, End: backend.Abandon}, as)
}
