package fault

import (
	"context"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// IdleTimeout makes the backend close connections that have been unused for a time, as every real backend does. The
// gateway is told by a FIN and has a chance: only a request sent while the FIN is under way is lost.
//
// Connections already pooled when the fault is applied are closed too, once they have been unused for that long. A
// request that comes after the close is counted and reset, never executed.
type IdleTimeout struct {
	After time.Duration
	By    End
	// Announced puts Connection: close on every answer, and keeps the connection open for After all the same.
	Announced bool
}

var _ Fault = IdleTimeout{}

func (f IdleTimeout) String() string {
	return "idle timeout of " + f.After.String() + " by " + endName(f.By) + announced(f.Announced)
}

// Validate reports everything that is wrong with the fault.
func (f IdleTimeout) Validate() error { return validate(f.String(), f.rule()) }

// Acts on unused connections.
func (f IdleTimeout) Acts() Act { return onIdle.direct(f.By == RST) }

// Inject puts the rule in force.
func (f IdleTimeout) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f IdleTimeout) rule() backend.Rule {
	return backend.Rule{On: backend.OnIdle, Idle: f.After, Announce: f.Announced, End: f.By}
}
