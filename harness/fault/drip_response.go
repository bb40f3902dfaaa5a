package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// DripResponse sends an answer byte by byte, so slowly that it is never late and never done (catalogue D3).
type DripResponse struct {
	// Every is the pause after each byte.
	Every time.Duration
	// From is where the drip begins; the zero Point is at the beginning of the answer.
	From Point
}

var _ Fault = DripResponse{}

func (f DripResponse) String() string {
	s := "drip of a byte every " + f.Every.String()
	if f.From != BeforeAnswer {
		s += " from " + pointName(f.From)
	}
	return s
}

// Validate reports everything that is wrong with the fault.
func (f DripResponse) Validate() error {
	if f.Every <= 0 || f.From == BeforeBody {
		return fmt.Errorf("%s: want a positive time, and a point of the response", f)
	}
	return validate(f.String(), f.rule())
}

// Acts on requests.
func (f DripResponse) Acts() Act { return onRequest }

// Inject puts the rule in force.
func (f DripResponse) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f DripResponse) rule() backend.Rule {
	return backend.Rule{On: backend.OnRequest, Drip: f.Every, At: f.From}
}
