package fault

import "context"

// StopGateway stops the gateway in order, as its operators do, and starts it again when the fault is lifted: a restart
// whose downtime is the window's (catalogue E10, E11). The gateway finishes what is under way before the fault counts as
// applied.
type StopGateway struct{}

var _ Fault = StopGateway{}

func (f StopGateway) String() string { return "stop" }

// Validate finds nothing wrong.
func (f StopGateway) Validate() error { return nil }

// Acts on the gateway's process.
func (f StopGateway) Acts() Act {
	return Act{On: Gateway, Holds: "process", Needs: []Need{FixedAddress}, Alone: true}
}

// Inject stops the gateway and proves that nobody answers at its address.
func (f StopGateway) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	at.Dial = at.Gateway.Address()
	return at.carryOut(ctx, deed{what: f.String(), do: at.Gateway.Stop, prove: at.deserted, lift: at.Gateway.Start})
}
