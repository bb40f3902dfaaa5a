package fault

import (
	"context"
	"fmt"

	"github.com/badgateway/badgateway/harness/load"
)

// SlowUpload is a client that sends the head of a request at once and its body slowly, as one does on a bad line (catalogue
// H4). A gateway may lose its patience; what it says then is the outcome. Requests without a body are not touched.
//
// A request that is still being sent when the run has to end has hung by the client's own doing: give the load a body and a
// rate that leave time enough.
type SlowUpload struct {
	// Rate is how fast the body is sent, at most, in bytes per second.
	Rate int
}

var _ Fault = SlowUpload{}

func (f SlowUpload) String() string { return fmt.Sprintf("slow upload of %d bytes per second", f.Rate) }

// Validate reports everything that is wrong with the fault.
func (f SlowUpload) Validate() error { return validateClient(f.String(), f.rule()) }

// Acts on requests of the client.
func (f SlowUpload) Acts() Act { return onClient }

// Inject puts the rule in force.
func (f SlowUpload) Inject(_ context.Context, at Site, as Order) (Active, error) {
	return at.scriptClient(f.rule(), as)
}

func (f SlowUpload) rule() load.Rule { return load.Rule{Do: load.SlowUpload, Rate: f.Rate} }
