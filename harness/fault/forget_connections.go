package fault

import (
	"context"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// ForgetConnections drops every packet, in both directions, of the connections that are open when it comes, as a firewall
// or a load balancer does that has forgotten them (catalogue A7): neither side is told, what is sent on one of them is not
// even acknowledged, and no FIN or reset comes back. New connections are served.
//
// What was forgotten stays so until the fault is lifted. Then TCP sends again what is still waiting, if the gateway has not
// given up.
type ForgetConnections struct{}

var _ Fault = ForgetConnections{}

func (f ForgetConnections) String() string { return "forgotten connections" }

// Validate finds nothing wrong.
func (f ForgetConnections) Validate() error { return nil }

// Acts on packets.
func (f ForgetConnections) Acts() Act { return onPackets }

// Inject puts the rule in force.
func (f ForgetConnections) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, backend.Rule{On: backend.OnPacket, Drop: backend.DropKnown}, as)
}
