package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/harness/victim"
)

// Field is what a schedule is carried out on.
type Field struct {
	// Site finds what can be reached of a replica now; it is asked when a fault is applied.
	Site func(topology.Replica) Site
	// Gateway and Client are what can be reached of those.
	Gateway GatewayProcess
	Client  ClientScript
}

// sites lists what a window acts on.
func (f Field) sites(on topology.Target) []Site {
	switch party(on) {
	case Gateway:
		return []Site{{Name: on.String(), Gateway: f.Gateway}}
	case Client:
		return []Site{{Name: on.String(), Client: f.Client}}
	case Replica:
	}
	var sites []Site
	for _, r := range on.Replicas() {
		sites = append(sites, f.Site(r))
	}
	return sites
}

// Run is a schedule being carried out.
type Run struct {
	clock record.Clock
	field Field
	seed  uint64
	open  []*window
	done  sync.WaitGroup
	over  func() // ends the wait for events, when the load is over

	mu   sync.Mutex
	sent map[int]chan struct{} // by the number of the request; closed when the client turns to it

	slow slowness
}

// window is one window in force.
type window struct {
	Window
	lives     []*lifecycle
	injection record.Injection
}

// unitOf is what a judgement counts in: connections where the victims are chosen by connection.
func unitOf(of Victims) record.Unit {
	if of.Unit() == victim.Connections {
		return record.Connections
	}
	return record.Requests
}

// Apply puts the windows that begin at zero in force and returns when they are; Begin starts the others. The same seed
// chooses the same victims.
func (s Schedule) Apply(ctx context.Context, clock record.Clock, field Field, seed uint64) (*Run, error) {
	run := &Run{clock: clock, field: field, seed: seed, over: func() {}, sent: map[int]chan struct{}{}}
	for _, w := range s {
		run.open = append(run.open, &window{Window: w, injection: record.Injection{
			ID: w.ID(), Fault: w.Inject.String(), Target: w.On.String(), From: w.From, For: w.For,
			Unit: unitOf(w.Of),
		}})
		for _, e := range []Event{w.When, w.Until} {
			if e.requests > 0 && run.sent[e.requests] == nil {
				run.sent[e.requests] = make(chan struct{})
			}
		}
	}
	for _, w := range run.open {
		if w.atOnce() {
			if err := run.apply(ctx, w); err != nil {
				return run, err
			}
		}
	}
	return run, nil
}

// atOnce reports whether the window begins before the load.
func (w *window) atOnce() bool { return w.From == 0 && w.When.IsZero() }

// Begin starts the windows' timers; the load begins at the instant start. Call End when the load is over.
func (r *Run) Begin(ctx context.Context, start time.Duration) {
	load, over := context.WithCancel(ctx)
	r.over = over
	for _, w := range r.open {
		if w.atOnce() && w.For == 0 && w.Until.IsZero() {
			continue // applied already, lifted at the end
		}
		waiting := ctx
		if !w.When.IsZero() || !w.Until.IsZero() {
			waiting = load // what depends on an event may still be to come when the load is over
		}
		r.done.Go(func() { r.carry(ctx, waiting, w, start) })
	}
}

// carry takes one window from its beginning to its end, if the end is not that of the load.
func (r *Run) carry(ctx, waiting context.Context, w *window, start time.Duration) {
	began, came := r.await(waiting, w.When, start)
	if !w.atOnce() && (!came || !r.wait(waiting, began+w.From) || r.applySlowly(ctx, w) != nil) {
		return
	}
	if w.For == 0 && w.Until.IsZero() {
		return
	}
	since := began + w.From
	if w.Inject.Acts().Alone { // a process may take a second to start or to end: what lasts is the time between doing and undoing
		since = max(since, w.injection.Applied.End)
	}
	ends, came := r.await(waiting, w.Until, since+w.For)
	if came && r.wait(waiting, ends) {
		defer r.slowly(w)()
		_ = r.lift(context.WithoutCancel(ctx), w) // once begun, it is finished; the injection carries the error
	}
}

// Sent tells that the client turns to its nth request.
func (r *Run) Sent(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if waiting := r.sent[n]; waiting != nil {
		close(waiting)
		delete(r.sent, n)
	}
}

// await waits for an event and returns when it happened; without one, otherwise, at once. False if it never came.
func (r *Run) await(ctx context.Context, e Event, otherwise time.Duration) (time.Duration, bool) {
	switch {
	case e.IsZero():
		return otherwise, true
	case e.requests > 0:
		r.mu.Lock()
		waiting := r.sent[e.requests]
		r.mu.Unlock()
		if waiting != nil {
			select {
			case <-waiting:
			case <-ctx.Done():
				return 0, false
			}
		}
	default:
		err := r.field.Site(e.at.Replicas()[0]).Backend.Await(ctx, e.arrivals)
		if err != nil || ctx.Err() != nil {
			return 0, false
		}
	}
	return r.clock.Now(), true
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
	r.over()
	r.done.Wait()
	var errs []error
	injections := make([]record.Injection, 0, len(r.open))
	for _, w := range r.open {
		errs = append(errs, r.lift(ctx, w))
	}
	for _, w := range r.open {
		errs = append(errs, r.collect(ctx, w))
		injections = append(injections, w.injection)
	}
	return injections, errors.Join(errs...)
}

// apply puts the fault in force at every site of the window. It does not break what is broken already: then nothing could
// be said of either.
func (r *Run) apply(ctx context.Context, w *window) error {
	sites := r.field.sites(w.On)
	for _, site := range sites {
		if err := r.well(ctx, site, wellWithin); err != nil {
			return r.note(w, "not applied", err)
		}
	}
	w.injection.Applied.Begin = r.clock.Now()
	var failed error
	for _, site := range sites {
		of := w.Of
		of.Seed = w.seedAt(r.seed, site.Name)
		life := newLifecycle(w.Inject, site, Order{ID: w.ID(), Of: of})
		r.mu.Lock()
		w.lives = append(w.lives, life)
		r.mu.Unlock()
		if failed = life.inject(ctx); failed != nil {
			break
		}
	}
	w.injection.Applied.End = r.clock.Now()
	return r.note(w, "apply", failed)
}

// well asks a replica that no fault acts on whether it answers.
func (r *Run) well(ctx context.Context, site Site, within time.Duration) error {
	if r.acted(site) {
		return nil
	}
	return site.answers(ctx, within)
}

// acted reports whether a fault is in force at the site. It waits for those that are being injected or lifted, and nobody
// must have to wait for it meanwhile: the client tells Sent of every request.
func (r *Run) acted(site Site) bool {
	r.mu.Lock()
	var here []*lifecycle
	for _, w := range r.open {
		for _, life := range w.lives {
			if life.site.Name == site.Name {
				here = append(here, life)
			}
		}
	}
	r.mu.Unlock()
	return slices.ContainsFunc(here, (*lifecycle).inForce)
}

// lift ends the fault at every site of the window, and makes sure that it is over. It is safe to repeat: a window is
// lifted once.
func (r *Run) lift(ctx context.Context, w *window) error {
	if w.injection.Lifted.End != 0 {
		return nil
	}
	w.injection.Lifted.Begin = r.clock.Now()
	var errs []error
	for _, life := range w.lives {
		errs = append(errs, life.lift(ctx))
	}
	w.injection.Lifted.End = r.clock.Now()
	for _, life := range w.lives {
		if life.injected() && w.On.Replicas() != nil {
			if err := r.well(ctx, r.field.Site(life.site.Replica), undoneWithin); err != nil {
				errs = append(errs, fmt.Errorf("it may still be in force: %w", err))
			}
		}
	}
	return r.note(w, "lift", errors.Join(errs...))
}

func (r *Run) collect(ctx context.Context, w *window) error {
	for _, life := range w.lives {
		if !life.injected() {
			continue
		}
		receipt, err := life.receipt(ctx)
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
