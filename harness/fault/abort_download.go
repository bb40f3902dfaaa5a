package fault

import (
	"context"

	"github.com/badgateway/badgateway/harness/load"
)

// AbortDownload is a client that ends the connection in the middle of the answer's body (catalogue H3). What the gateway
// still holds of the answer must not come back on a connection to a backend, nor keep one busy. Requests whose answer has a
// body that is not longer than Byte are not touched.
type AbortDownload struct {
	// Byte is behind which byte of the body as it stands on the wire, chunks and all; zero means the first one.
	Byte int
	// By is how the connection ends: FIN or RST. What the gateway sends after a FIN is answered with a reset, as by any
	// client that has closed.
	By End
}

var _ Fault = AbortDownload{}

func (f AbortDownload) String() string {
	return "abort of the download" + behind(f.Byte) + " by " + endName(f.By)
}

// Validate reports everything that is wrong with the fault.
func (f AbortDownload) Validate() error { return validateClient(f.String(), f.rule()) }

// Acts on requests of the client.
func (f AbortDownload) Acts() Act { return onClient }

// Inject puts the rule in force.
func (f AbortDownload) Inject(_ context.Context, at Site, as Order) (Active, error) {
	return at.scriptClient(f.rule(), as)
}

func (f AbortDownload) rule() load.Rule {
	return load.Rule{Do: load.AbortDownload, Byte: f.Byte, By: load.End(f.By)}
}
