package fault

import (
	"context"
	"fmt"
)

// Disconnect pulls the backend's cable: its address is gone from the network, nothing it sent before is taken back, and no
// FIN tells anybody (catalogue A7, B3). Connections that are open are not answered any more, and may go on once the cable
// is back. A gateway that opens one is told after some seconds that there is no way to the host, or waits for its own
// timeout.
type Disconnect struct{}

var _ Fault = Disconnect{}

func (f Disconnect) String() string { return "disconnect" }

// Validate finds nothing wrong.
func (f Disconnect) Validate() error { return nil }

// Acts on the process, which is out of reach.
func (f Disconnect) Acts() Act { return onProcess(Network, FixedAddress) }

// Inject takes the replica from the network and proves that nobody answers.
func (f Disconnect) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	if at.Network == nil {
		return nil, fmt.Errorf("%s: %s cannot be taken from a network", f, at.Name)
	}
	return at.carryOut(ctx, deed{
		what: f.String(), do: at.Network.Disconnect, prove: at.deserted, lift: at.Network.Connect,
	})
}
