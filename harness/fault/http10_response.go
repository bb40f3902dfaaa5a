package fault

import (
	"context"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// HTTP10Response answers as an HTTP/1.0 server does: no chunks, and the end of the connection after each answer (catalogue
// I1).
type HTTP10Response struct {
	// Framing is how the end of the body is told: ByLength, or ByClose, which cannot be told from a truncated one.
	Framing Framing
}

var _ Fault = HTTP10Response{}

func (f HTTP10Response) String() string { return "HTTP/1.0 response" + framed(f.Framing) }

// Validate reports everything that is wrong with the fault.
func (f HTTP10Response) Validate() error { return validate(f.String(), f.rule()) }

// Acts on requests.
func (f HTTP10Response) Acts() Act { return onRequest }

// Inject puts the rule in force.
func (f HTTP10Response) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f HTTP10Response) rule() backend.Rule {
	return backend.Rule{On: backend.OnRequest, Answer: backend.Answer{StartLine: "HTTP/1.0 200 OK", Framing: f.Framing}}
}
