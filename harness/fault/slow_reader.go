package fault

import (
	"context"
	"fmt"

	"github.com/badgateway/badgateway/harness/load"
)

// SlowReader is a client that reads the answer slowly, with a small receive buffer, so that the gateway's own send buffer
// fills up (catalogue H5). It has to be filled: the gateway's kernel takes megabytes of an answer before the gateway itself
// has to wait, on Linux as much as tcp_wmem allows (4 MiB by default), and only larger answers than that are held back at all.
//
// The connection is closed after the answer. One that is still being read when the run has to end has hung by the client's
// own doing: give the load an answer and a rate that leave time enough.
type SlowReader struct {
	// Rate is how fast the answer is read, head and body, at most, in bytes per second.
	Rate int
}

var _ Fault = SlowReader{}

func (f SlowReader) String() string { return fmt.Sprintf("slow reader of %d bytes per second", f.Rate) }

// Validate reports everything that is wrong with the fault.
func (f SlowReader) Validate() error { return validateClient(f.String(), f.rule()) }

// Acts on requests of the client.
func (f SlowReader) Acts() Act { return onClient }

// Inject puts the rule in force.
func (f SlowReader) Inject(_ context.Context, at Site, as Order) (Active, error) {
	return at.scriptClient(f.rule(), as)
}

func (f SlowReader) rule() load.Rule { return load.Rule{Do: load.SlowReader, Rate: f.Rate} }
