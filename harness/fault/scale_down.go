package fault

import (
	"context"
	"errors"
	"time"
)

// ScaleDown takes the replica away: the gateway is told that it serves no longer, and its process is ended. Lifting the
// fault scales up again: the process is started, and the gateway told when it answers (catalogue E1, E4).
//
// The gateway is told first, and may still be taking the list over when the process ends. With StopFirst it is told when
// the process has ended.
type ScaleDown struct {
	StopFirst bool
	// Grace is the time the process has to finish what is under way; zero cuts it off at once.
	Grace time.Duration
}

var _ Fault = ScaleDown{}

func (f ScaleDown) String() string {
	s := "scale down"
	if f.StopFirst {
		s = "scale down listed late"
	}
	return s + within(f.Grace)
}

// Validate reports everything that is wrong with the fault.
func (f ScaleDown) Validate() error { return validateGrace(f.String(), f.Grace) }

// Acts on the process.
func (f ScaleDown) Acts() Act { return onProcess(FixedAddress, List) }

// Inject takes the replica away and proves that nobody answers at its address.
func (f ScaleDown) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	stop := func(ctx context.Context) error { return at.Process.Stop(ctx, f.Grace) }
	unlist := func(ctx context.Context) error { return at.Gateway.Exclude(ctx, at.Replica) }
	first, second := unlist, stop
	if f.StopFirst {
		first, second = stop, unlist
	}
	return at.carryOut(ctx, deed{
		what:  f.String(),
		do:    func(ctx context.Context) error { return inOrder(ctx, first, second) },
		prove: at.deserted,
		lift: func(ctx context.Context) error {
			return inOrder(ctx, at.Process.Start, func(ctx context.Context) error { return at.Gateway.Include(ctx, at.Replica) })
		},
		undo: func(ctx context.Context) error {
			return errors.Join(at.Process.Start(ctx), at.Gateway.Include(ctx, at.Replica))
		},
	})
}

// inOrder does one thing after another, until one fails.
func inOrder(ctx context.Context, steps ...func(context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}
