package fault

import "context"

// Kill ends the backend's process as SIGKILL does, and lets it start again, with nothing in its memory, at the address it
// had (catalogue E3, E12). The kernel ends its connections: by a FIN, or by a reset where something was left unread. What
// is under way is lost, and nobody knows how far it came. Whoever connects is refused, as the machine lives on; one that
// is gone altogether is a Disconnect.
type Kill struct{}

var _ Fault = Kill{}

func (f Kill) String() string { return "kill" }

// Validate finds nothing wrong.
func (f Kill) Validate() error { return nil }

// Acts on the process.
func (f Kill) Acts() Act { return onProcess(FixedAddress) }

// Inject kills the process and proves that nobody answers.
func (f Kill) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.carryOut(ctx, deed{what: f.String(), do: at.Process.Kill, prove: at.deserted, lift: at.Process.Start})
}
