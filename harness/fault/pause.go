package fault

import "context"

// Pause freezes the backend's process: the kernel opens connections and takes data in for it, and nothing comes back
// (catalogue A7, D1). What has come meanwhile is answered when it goes on, late, to whoever is still there.
type Pause struct{}

var _ Fault = Pause{}

func (f Pause) String() string { return "pause" }

// Validate finds nothing wrong.
func (f Pause) Validate() error { return nil }

// Acts on the process.
func (f Pause) Acts() Act { return onProcess() }

// Inject freezes the process and proves that a connection is opened and not answered.
func (f Pause) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.carryOut(ctx, deed{what: f.String(), do: at.Process.Pause, prove: at.frozen, lift: at.Process.Resume})
}
