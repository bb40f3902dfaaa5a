package fault

import (
	"context"
	"errors"
	"time"
)

// Replace gives the replica another life at another address, as an orchestrator does when it rolls out a new version, and
// the gateway's list of backends lags behind what is true: for as long as the window lasts.
//
// The old life is ended first and the gateway told last: until then it sends to an address that refuses it (catalogue E1,
// E5). With ListFirst the gateway is told first and the old life ended last: the order in which nothing should be lost.
type Replace struct {
	ListFirst bool
	// Grace is the time the old life has to finish what is under way; zero cuts it off at once.
	Grace time.Duration
}

var _ Fault = Replace{}

func (f Replace) String() string {
	s := "replacement listed late"
	if f.ListFirst {
		s = "replacement listed first"
	}
	return s + within(f.Grace)
}

// Validate reports everything that is wrong with the fault.
func (f Replace) Validate() error { return validateGrace(f.String(), f.Grace) }

// Acts on the process. The gateway knows addresses, so that it can go on knowing one where nobody is.
func (f Replace) Acts() Act { return onProcess(FixedAddress, List) }

// Inject starts the next life and does one half of what is to be done; lifting the fault does the other half. What has
// begun is not turned back but finished: the next life may have had requests.
func (f Replace) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	retire := func(ctx context.Context) error { return at.Lives.Retire(ctx, f.Grace) }
	list := func(ctx context.Context) error { return at.Gateway.Include(ctx, at.Replica) }
	first, last := retire, list
	if f.ListFirst {
		first, last = list, retire
	}
	var next Site
	return at.carryOut(ctx, deed{
		what: f.String(),
		do: func(ctx context.Context) (err error) {
			if next, err = at.Lives.Succeed(ctx); err != nil {
				return err
			}
			return first(ctx)
		},
		prove: func(ctx context.Context) (string, error) {
			if err := next.answers(ctx, undoneWithin); err != nil || f.ListFirst {
				return "the next life answers", err
			}
			words, err := at.deserted(ctx)
			return "the next life answers; at the old address " + words, err
		},
		lift: last,
		undo: func(ctx context.Context) error { return errors.Join(list(ctx), retire(ctx)) },
	})
}
