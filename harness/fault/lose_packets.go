package fault

import (
	"context"
	"fmt"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// LosePackets drops every nth packet between the gateway and the backend, of all connections and in both directions
// together: a link that loses packets. Those that open a connection are spared. TCP sends again what gets lost, after 200 ms
// or more if nothing else is under way, so that requests are late and not lost. Which packet falls to which request depends
// on how many there are, and is not the same in the next run.
type LosePackets struct {
	// Every is 2 or more: 100 loses one of a hundred.
	Every int
}

var _ Fault = LosePackets{}

func (f LosePackets) String() string { return fmt.Sprintf("loss of every %d. packet", f.Every) }

// Validate reports everything that is wrong with the fault.
func (f LosePackets) Validate() error { return validate(f.String(), f.rule()) }

// Acts on packets.
func (f LosePackets) Acts() Act { return onPackets }

// Inject puts the rule in force.
func (f LosePackets) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, f.rule(), as)
}

func (f LosePackets) rule() backend.Rule {
	return backend.Rule{On: backend.OnPacket, Drop: backend.DropSome, Every: f.Every}
}
