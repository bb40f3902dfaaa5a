package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/badgateway/badgateway/fixtures/toxiproxy"
	"github.com/badgateway/badgateway/harness/record"
)

// What the faults of a link have in common: Toxiproxy carries them out, nobody counts what they touch, and a look at the
// link proves them.
//
// Toxiproxy changes a link by interrupting what runs on each of its connections, and cannot where a connection is stuck
// because nobody reads from it. The change, and every new connection of that link, waits until somebody does, and for ever
// if the connection ends instead. The call is given up, and whoever made it says that the fault could not be applied or
// lifted. Source: Toxiproxy 2.12, toxics/toxic.go (InterruptToxic), toxic_collection.go, link.go (write).

// The directions of a link, in Toxiproxy's words.
const (
	toGateway = "downstream"
	toBackend = "upstream"
)

// onLink is the act of a fault that a link carries out.
func onLink(holds string) Act { return Act{On: Replica, Holds: holds, Needs: []Need{Link}} }

// look looks at the link to a replica by a connection of its own, and tells what it saw and whether that shows the fault.
type look func(ctx context.Context, at Site) (seen string, shows bool, err error)

// linkFault is a fault in force on a link.
type linkFault struct {
	site  Site
	lift  func(context.Context) error // it may be repeated
	proof string
}

// poison puts toxics on the link, one after the other, and proves that they act. Each has a name of its own, as one window
// may follow another at once.
func (s Site) poison(ctx context.Context, f Fault, as Order, shows look, toxics ...toxiproxy.Toxic) (Active, error) {
	for i := range toxics {
		toxics[i].Name = as.ID + ", " + toxics[i].Stream
	}
	apply := func(ctx context.Context) error {
		for _, t := range toxics {
			if err := s.Link.Add(ctx, t); err != nil {
				return err
			}
		}
		return nil
	}
	lift := func(ctx context.Context) error {
		var errs []error
		for _, t := range slices.Backward(toxics) {
			errs = append(errs, s.Link.Remove(ctx, t.Name))
		}
		return errors.Join(errs...)
	}
	return s.change(ctx, f, shows, apply, lift)
}

// change changes the link between two looks at it: the first must not show the fault, or the second would prove nothing.
func (s Site) change(ctx context.Context, f Fault, shows look, apply, lift func(context.Context) error) (Active, error) {
	if s.Link == nil {
		return nil, fmt.Errorf("%s: the link to %s does not lead through Toxiproxy", f, s.Name)
	}
	if err := s.clear(ctx, f, shows); err != nil {
		return nil, err
	}
	in := linkFault{site: s, lift: lift}
	if err := apply(ctx); err != nil {
		return undone(ctx, in, err)
	}
	seen, shown, err := shows(ctx, s)
	if err == nil && !shown {
		err = errors.New(seen)
	}
	if err != nil {
		return undone(ctx, in, fmt.Errorf("%s: probe of the link to %s: %w", f, s.Name, err))
	}
	in.proof = seen
	return in, nil
}

// looks is how often a link is looked at until it does not show the fault, if there is time: a busy machine may be slow once.
const looks = 3

// clear looks at the link before the fault is there.
func (s Site) clear(ctx context.Context, f Fault, shows look) error {
	began := time.Now()
	for n := 1; ; n++ {
		seen, shown, err := shows(ctx, s)
		switch {
		case err != nil:
			return fmt.Errorf("%s: probe of the link to %s, before the fault: %w", f, s.Name, err)
		case !shown:
			return nil
		case n == looks || time.Since(began) > wellWithin:
			return fmt.Errorf("%s: probe of the link to %s, before the fault: %s already", f, s.Name, seen)
		}
	}
}

func (l linkFault) Lift(ctx context.Context) error { return l.lift(ctx) }

func (l linkFault) Receipt(context.Context) (record.Receipt, error) {
	return record.Receipt{Replica: l.site.Name, Uncounted: true, Probe: l.proof}, nil
}
