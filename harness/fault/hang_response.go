package fault

import (
	"context"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// HangResponse never goes on with an answer, on a connection that stays open (catalogue D1, D2). Before the request's body
// is read it is a backend that refuses to take a body in: the gateway's send buffer fills up (catalogue D7).
//
// What hangs does so until the gateway gives up; when the fault is lifted, only what comes then is answered.
type HangResponse struct {
	// At is where the backend falls silent; the zero Point is before the response.
	At Point
}

var _ Fault = HangResponse{}

func (f HangResponse) String() string { return "hang " + pointName(f.At) }

// Validate reports everything that is wrong with the fault.
func (f HangResponse) Validate() error { return validate(f.String(), f.rule()) }

// Acts on requests.
func (f HangResponse) Acts() Act { return onRequest }

// Inject puts the rule in force.
func (f HangResponse) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f HangResponse) rule() backend.Rule {
	return backend.Rule{On: backend.OnRequest, At: f.At, End: backend.Hang}
}
