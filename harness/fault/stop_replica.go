package fault

import (
	"context"
	"fmt"
	"time"
)

// StopReplica ends the backend's process in order, as SIGTERM does, while the gateway still counts on it, and lets it
// start again at the address it had (catalogue E1, E2). It accepts no more connections, ends those that are not in use,
// and has the grace to finish what is under way; what it has not finished then is cut off.
//
// The fault is applied when the process has ended, so up to the grace later than asked for.
type StopReplica struct {
	// Grace is the time to finish; zero cuts everything off at once.
	Grace time.Duration
}

var _ Fault = StopReplica{}

func (f StopReplica) String() string { return "stop" + within(f.Grace) }

// Validate reports everything that is wrong with the fault.
func (f StopReplica) Validate() error { return validateGrace(f.String(), f.Grace) }

// Acts on the process.
func (f StopReplica) Acts() Act { return onProcess(FixedAddress) }

// Inject stops the process and proves that nobody answers.
func (f StopReplica) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	stop := func(ctx context.Context) error { return at.Process.Stop(ctx, f.Grace) }
	return at.carryOut(ctx, deed{what: f.String(), do: stop, prove: at.deserted, lift: at.Process.Start})
}

// within names a grace in the words of a fault.
func within(grace time.Duration) string {
	if grace == 0 {
		return ""
	}
	return fmt.Sprintf(", within %s", grace)
}

// validateGrace checks a grace: what is undone is bounded in time, and may have to wait for it.
func validateGrace(what string, grace time.Duration) error {
	if grace < 0 || grace >= undoing {
		return fmt.Errorf("%s: a grace of %s, want 0 or more and less than %s", what, grace, undoing)
	}
	return nil
}
