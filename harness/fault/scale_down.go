package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ScaleDown takes the replica away: the gateway is told that it serves no longer, and its process is ended. Lifting the
// fault scales up again: the process is started, and the gateway told when it answers (catalogue E1, E4).
//
// The gateway is told first, and may still be taking the list over when the process ends, unless PreStop gives it the time.
// With StopFirst it is told when the process has ended.
type ScaleDown struct {
	StopFirst bool
	// PreStop is how long the process goes on serving after the gateway was told: the sleep of a preStop hook.
	PreStop time.Duration
	// Grace is the time the process has to finish what is under way; zero cuts it off at once.
	Grace time.Duration
}

var _ Fault = ScaleDown{}

func (f ScaleDown) String() string {
	s := "scale down"
	if f.StopFirst {
		s = "scale down listed late"
	}
	if f.PreStop > 0 {
		s += fmt.Sprintf(" %s before", f.PreStop)
	}
	return s + within(f.Grace)
}

// Validate reports everything that is wrong with the fault.
func (f ScaleDown) Validate() error {
	wrong := validateGrace(f.String(), f.Grace)
	if f.PreStop < 0 || f.PreStop > 0 && f.StopFirst {
		wrong = errors.Join(wrong, fmt.Errorf("%s: a pre-stop delay of %s, want 0 or more, and 0 where the process is stopped first", f, f.PreStop))
	}
	return wrong
}

// Acts on the process.
func (f ScaleDown) Acts() Act { return onProcess(FixedAddress, List) }

// Inject takes the replica away and proves that nobody answers at its address.
func (f ScaleDown) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	stop := func(ctx context.Context) error { return at.Process.Stop(ctx, f.Grace) }
	unlist := func(ctx context.Context) error { return at.Gateway.Exclude(ctx, at.Replica) }
	steps := []func(context.Context) error{unlist, f.delay, stop}
	if f.StopFirst {
		steps = []func(context.Context) error{stop, unlist}
	}
	return at.carryOut(ctx, deed{
		what:  f.String(),
		do:    func(ctx context.Context) error { return inOrder(ctx, steps...) },
		prove: at.deserted,
		lift: func(ctx context.Context) error {
			return inOrder(ctx, at.Process.Start, func(ctx context.Context) error { return at.Gateway.Include(ctx, at.Replica) })
		},
		undo: func(ctx context.Context) error {
			return errors.Join(at.Process.Start(ctx), at.Gateway.Include(ctx, at.Replica))
		},
	})
}

// delay lets the process go on for the pre-stop delay.
func (f ScaleDown) delay(ctx context.Context) error {
	select {
	case <-time.After(f.PreStop):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
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
