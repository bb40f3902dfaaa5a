package fault

import (
	"context"

	"github.com/badgateway/badgateway/harness/load"
)

// AbortUpload is a client that ends the connection in the middle of the body that it sends (catalogue H2). Nobody behind
// the gateway has failed, and no backend may take the part for the whole. Requests without a body are not touched, nor are
// those whose body is not longer than Byte.
type AbortUpload struct {
	// Byte is behind which byte of the body as it stands on the wire, chunks and all; zero means half of it.
	Byte int
	// By is how the connection ends: FIN or RST. A reset may overtake what was sent before it.
	By End
}

var _ Fault = AbortUpload{}

func (f AbortUpload) String() string {
	return "abort of the upload" + behind(f.Byte) + " by " + endName(f.By)
}

// Validate reports everything that is wrong with the fault.
func (f AbortUpload) Validate() error { return validateClient(f.String(), f.rule()) }

// Acts on requests of the client.
func (f AbortUpload) Acts() Act { return onClient }

// Inject puts the rule in force.
func (f AbortUpload) Inject(_ context.Context, at Site, as Order) (Active, error) {
	return at.scriptClient(f.rule(), as)
}

func (f AbortUpload) rule() load.Rule {
	return load.Rule{Do: load.AbortUpload, Byte: f.Byte, By: load.End(f.By)}
}
