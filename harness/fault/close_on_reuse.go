package fault

import (
	"context"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// CloseOnReuse ends a connection, without an answer, when a second or later request arrives on it. The gateway sees
// exactly what it sees when the backend closed the idle connection while the request was on its way: the request was
// written, then the connection ended. Here that happens on every reuse, not once in a hundred thousand.
//
// Connections already pooled when the fault is applied are ended on their next use. The request is read to its end
// first; it is not executed unless Executed says so.
type CloseOnReuse struct {
	// By is how the connection ends: FIN or RST.
	By End
	// Idle spares connections that were unused for less; zero spares none. It stands for the backend's idle timeout.
	Idle time.Duration
	// Executed does the request's work before the connection ends, so that a second attempt does it twice.
	Executed bool
	// Announced puts Connection: close on every answer before, which a gateway that heeds it takes for the end.
	Announced bool
}

var _ Fault = CloseOnReuse{}

func (f CloseOnReuse) String() string {
	s := "close-on-reuse by " + endName(f.By)
	if f.Idle > 0 {
		s += " after " + f.Idle.String() + " idle"
	}
	if f.Executed {
		s += ", executed"
	}
	return s + announced(f.Announced)
}

// Validate reports everything that is wrong with the fault.
func (f CloseOnReuse) Validate() error { return validate(f.String(), f.rule()) }

// Acts on requests that reuse a connection.
func (f CloseOnReuse) Acts() Act { return onReuse.direct(f.By == RST) }

// Inject puts the rule in force.
func (f CloseOnReuse) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f CloseOnReuse) rule() backend.Rule {
	return backend.Rule{On: backend.OnReuse, Idle: f.Idle, Announce: f.Announced, Execute: f.Executed, End: f.By}
}
