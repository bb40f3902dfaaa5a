package fault

import (
	"context"
	"fmt"
	"net/http"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// InterimResponse sends an interim response that nobody asked for before each answer (catalogue I5): 102, 103, or a 100
// without an Expect. A gateway that takes it for the answer is one answer behind from then on.
type InterimResponse struct {
	// Status is 100, 102 or 103.
	Status int
}

var _ Fault = InterimResponse{}

func (f InterimResponse) String() string { return fmt.Sprintf("interim response %d", f.Status) }

// Validate reports everything that is wrong with the fault.
func (f InterimResponse) Validate() error {
	switch f.Status {
	case http.StatusContinue, http.StatusProcessing, http.StatusEarlyHints:
		return nil
	}
	return fmt.Errorf("%s: want 100, 102 or 103", f)
}

// Acts on requests.
func (f InterimResponse) Acts() Act { return onRequest }

// Inject puts the rule in force.
func (f InterimResponse) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	interim := fmt.Sprintf("HTTP/1.1 %d %s\r\n\r\n", f.Status, http.StatusText(f.Status))
	return at.script(ctx, backend.Rule{On: backend.OnRequest, Answer: backend.Answer{Before: interim}}, as)
}
