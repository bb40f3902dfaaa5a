package fault

import (
	"context"
	"fmt"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// EarlyResponse answers before it reads the request's body, and then ends the connection (catalogue I3): an upload that is
// too large, or not allowed. The answer announces the end.
type EarlyResponse struct {
	// Status is 200 to 599, e.g. 413.
	Status int
	// By FIN takes in, and throws away, what is still coming, as servers do that mean well. By RST it does not: the reset
	// may reach the gateway before the answer does.
	By End
}

var _ Fault = EarlyResponse{}

func (f EarlyResponse) String() string {
	return fmt.Sprintf("early response %d, closed by %s", f.Status, endName(f.By))
}

// Validate reports everything that is wrong with the fault.
func (f EarlyResponse) Validate() error {
	if f.Status == 0 {
		return fmt.Errorf("%s: want a status", f)
	}
	return validateEnd(f.String(), f.rule())
}

// Acts on requests. Behind Toxiproxy what is still being sent can reset the answer, whatever the backend means.
func (f EarlyResponse) Acts() Act { return onRequest.direct(true) }

// Inject puts the rule in force.
func (f EarlyResponse) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f EarlyResponse) rule() backend.Rule {
	return backend.Rule{On: backend.OnRequest, At: BeforeBody, Answer: backend.Answer{Status: f.Status}, End: f.By}
}
