package fault

import (
	"context"
	"fmt"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// CloseInBody ends the connection of every request that arrives in the middle of its answer's body: the work was done, the
// status is known, and the answer is truncated (catalogue C4, C5). One that is framed by the end of the connection, and
// ended by a FIN, cannot be told from a whole one but by its length (catalogue C6).
type CloseInBody struct {
	// By is how the connection ends: FIN or RST. A reset may overtake what was sent before it.
	By End
	// Byte is behind which byte of the body as it stands on the wire, chunks and all; zero means half of it.
	Byte int
	// Framing is how the answer's end would be told; the zero Framing is what the request asks for.
	Framing Framing
}

var _ Fault = CloseInBody{}

func (f CloseInBody) String() string {
	s := "close-in-body by " + endName(f.By)
	if f.Byte > 0 {
		s = fmt.Sprintf("close-in-body behind byte %d by %s", f.Byte, endName(f.By))
	}
	return s + framed(f.Framing)
}

// Validate reports everything that is wrong with the fault.
func (f CloseInBody) Validate() error { return validateEnd(f.String(), f.rule()) }

// Acts on requests.
func (f CloseInBody) Acts() Act { return onRequest.direct(f.By == RST) }

// Inject puts the rule in force.
func (f CloseInBody) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f CloseInBody) rule() backend.Rule {
	return backend.Rule{
		On: backend.OnRequest, At: InBody, Byte: f.Byte, Answer: backend.Answer{Framing: f.Framing}, End: f.By,
	}
}
