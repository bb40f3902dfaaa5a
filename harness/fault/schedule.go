package fault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// Schedule is a set of windows.
type Schedule []Window

// Validate reports everything that is wrong with the schedule for these backends and a load of that length, joined.
func (s Schedule) Validate(backends topology.Group, load time.Duration) error {
	var problems []error
	seen := map[string]bool{}
	for i, w := range s {
		if w.Inject == nil {
			problems = append(problems, fmt.Errorf("faults: window %d injects nothing", i+1))
			continue
		}
		wrong := func(err error) {
			if err != nil {
				problems = append(problems, fmt.Errorf("faults: %s: %w", w.ID(), err))
			}
		}
		wrong(w.Inject.Validate())
		wrong(w.On.ValidateIn(backends))
		if w.From < 0 || w.For < 0 || w.From >= load || w.For > load-w.From {
			wrong(fmt.Errorf("from %s for %s does not lie within the load of %s", w.From, w.For, load))
		}
		if seen[w.ID()] {
			wrong(errors.New("the same window twice"))
		}
		seen[w.ID()] = true
	}
	return errors.Join(problems...)
}

// Links lists the replicas whose links must lead through Toxiproxy.
func (s Schedule) Links() []topology.Replica {
	var links []topology.Replica
	seen := map[topology.Replica]bool{}
	for _, w := range s {
		if _, acts := w.Inject.(LinkFault); !acts {
			continue
		}
		for _, r := range w.On.Replicas() {
			if !seen[r] {
				seen[r] = true
				links = append(links, r)
			}
		}
	}
	return links
}

// Sites finds the site of a replica.
type Sites func(topology.Replica) Site

// Run is a schedule being carried out.
type Run struct {
	clock record.Clock
	sites Sites
	open  []*window
	done  sync.WaitGroup
}

// window is one window in force.
type window struct {
	Window
	active    []Active
	injection record.Injection
}

// Apply puts the windows that begin at zero in force and returns when they are; Begin starts the others.
func (s Schedule) Apply(ctx context.Context, clock record.Clock, sites Sites) (*Run, error) {
	run := &Run{clock: clock, sites: sites}
	for _, w := range s {
		run.open = append(run.open, &window{Window: w, injection: record.Injection{
			ID: w.ID(), Fault: w.Inject.String(), Target: w.On.String(), From: w.From, For: w.For,
		}})
	}
	for _, w := range run.open {
		if w.From == 0 {
			if err := run.apply(ctx, w); err != nil {
				return run, err
			}
		}
	}
	return run, nil
}

// Begin starts the windows' timers; the load begins at the instant start. Call End when the load is over.
func (r *Run) Begin(ctx context.Context, start time.Duration) {
	for _, w := range r.open {
		if w.From == 0 && w.For == 0 {
			continue // applied already, lifted at the end
		}
		r.done.Go(func() {
			if w.From > 0 {
				if !r.wait(ctx, start+w.From) || r.apply(ctx, w) != nil {
					return
				}
			}
			if w.For > 0 && r.wait(ctx, start+w.From+w.For) {
				_ = r.lift(context.WithoutCancel(ctx), w) // once begun, it is finished; the injection carries the error
			}
		})
	}
}

func (r *Run) wait(ctx context.Context, until time.Duration) bool {
	timer := time.NewTimer(until - r.clock.Now())
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// End waits for the windows that end by themselves, lifts the others, collects the receipts and returns what happened.
// An error in it means that something may still be broken.
func (r *Run) End(ctx context.Context) ([]record.Injection, error) {
	r.done.Wait()
	var errs []error
	injections := make([]record.Injection, 0, len(r.open))
	for _, w := range r.open {
		errs = append(errs, r.lift(ctx, w), r.collect(ctx, w))
		injections = append(injections, w.injection)
	}
	return injections, errors.Join(errs...)
}

func (r *Run) apply(ctx context.Context, w *window) error {
	w.injection.Applied.Begin = r.clock.Now()
	var errs []error
	for _, replica := range w.On.Replicas() {
		active, err := w.Inject.Inject(ctx, w.ID(), r.sites(replica))
		if err != nil {
			errs = append(errs, err)
			break
		}
		w.active = append(w.active, active)
	}
	w.injection.Applied.End = r.clock.Now()
	return r.note(w, "apply", errors.Join(errs...))
}

// lift is safe to repeat: a window is lifted once.
func (r *Run) lift(ctx context.Context, w *window) error {
	if w.injection.Lifted.End != 0 {
		return nil
	}
	w.injection.Lifted.Begin = r.clock.Now()
	var errs []error
	for _, active := range w.active {
		errs = append(errs, active.Lift(ctx))
	}
	w.injection.Lifted.End = r.clock.Now()
	return r.note(w, "lift", errors.Join(errs...))
}

func (r *Run) collect(ctx context.Context, w *window) error {
	for _, active := range w.active {
		receipt, err := active.Receipt(ctx)
		if err != nil {
			return r.note(w, "receipt", err)
		}
		w.injection.Receipts = append(w.injection.Receipts, receipt)
	}
	return nil
}

func (r *Run) note(w *window, step string, err error) error {
	if err == nil {
		return nil
	}
	if w.injection.Error != "" {
		w.injection.Error += "; "
	}
	w.injection.Error += fmt.Sprintf("%s: %v", step, err)
	return fmt.Errorf("fault %s: %s: %w", w.ID(), step, err)
}
