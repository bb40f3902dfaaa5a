package fault

import (
	"context"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// RefuseConnections closes the backend's listener: whoever opens a connection is answered with a reset (catalogue B1, B2).
// Connections that are open go on. The kernel does it, so nothing is counted; a probe proves it.
type RefuseConnections struct{}

var _ Fault = RefuseConnections{}

func (f RefuseConnections) String() string { return "refused connections" }

// Validate finds nothing wrong.
func (f RefuseConnections) Validate() error { return nil }

// Acts on new connections.
func (f RefuseConnections) Acts() Act { return onConnect }

// Inject closes the listener.
func (f RefuseConnections) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, backend.Rule{On: backend.OnConnect, End: backend.Refuse}, as)
}
