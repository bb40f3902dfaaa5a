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
}

var _ Fault = IdleTimeout{}

func (f IdleTimeout) String() string {
	return "idle timeout of " + f.After.String() + " by " + endName(f.By)
}

// Validate reports everything that is wrong with the fault.
func (f IdleTimeout) Validate() error { return f.rule(f.String()).Validate() }

// Inject puts the rule in force.
func (f IdleTimeout) Inject(ctx context.Context, id string, at Site) (Active, error) {
	return inject(ctx, at, f.rule(id))
}

func (f IdleTimeout) rule(id string) backend.Rule {
	return backend.Rule{ID: id, On: backend.OnIdle, Idle: f.After, End: f.By}
}
