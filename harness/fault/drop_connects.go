package fault

import (
	"context"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// DropConnects drops, by a firewall before the backend, the packets that open connections: nobody answers, and whoever
// opens one tries again after 1, 3 and 7 s (catalogue B3). So do a dead machine and a firewall that is shut. Connections
// that are open go on. The receipt counts packets: one for each try.
type DropConnects struct{}

var _ Fault = DropConnects{}

func (f DropConnects) String() string { return "dropped connects" }

// Validate finds nothing wrong.
func (f DropConnects) Validate() error { return nil }

// Acts on packets.
func (f DropConnects) Acts() Act { return onPackets }

// Inject puts the rule in force.
func (f DropConnects) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, backend.Rule{On: backend.OnPacket, Drop: backend.DropOpening}, as)
}
