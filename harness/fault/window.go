package fault

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// Window says when a fault acts, on what, and which.
type Window struct {
	// From is when the fault is applied, since the load began or, if there is a When, since that event. Zero without a
	// When applies it before the first request is sent.
	From time.Duration
	// When is an event that From is counted from. Events make races independent of how fast the machine is.
	When Event
	// For is how long the fault acts. Zero lets it act until the load has ended, or until the event.
	For   time.Duration
	Until Event
	// On is what it acts on.
	On topology.Target
	// Of says which of what meets the fault are touched; the zero value takes all.
	Of Victims
	// Inject is the fault.
	Inject Fault
}

// Event is something that is waited for. The zero Event is none.
type Event struct {
	requests int
	arrivals int
	at       topology.Target
}

// Sent is the event that the client has turned to its nth request.
func Sent(n int) Event { return Event{requests: n} }

// Arrived is the event that n requests have arrived at a replica, counted from its start.
func Arrived(n int, at topology.Target) Event { return Event{arrivals: n, at: at} }

// IsZero reports whether there is nothing to wait for.
func (e Event) IsZero() bool { return e == Event{} }

// String says it in words, e.g. "request 10" or "arrival 3 at orders-1".
func (e Event) String() string {
	if e.at != (topology.Target{}) {
		return fmt.Sprintf("arrival %d at %s", e.arrivals, e.at)
	}
	return fmt.Sprintf("request %d", e.requests)
}

func (e Event) validate(backends topology.Group, requests int) error {
	switch {
	case e.IsZero():
		return nil
	case e.at == (topology.Target{}) && (e.requests < 1 || e.requests > requests):
		return fmt.Errorf("%s: the load sends %d", e, requests)
	case e.at == (topology.Target{}):
		return nil
	case e.arrivals < 1:
		return fmt.Errorf("%s: want 1 or more", e)
	case len(e.at.Replicas()) != 1:
		return fmt.Errorf("%s: want one replica", e)
	}
	return e.at.ValidateIn(backends)
}

// ID names the window in the record, e.g. "close-on-reuse by FIN on orders-2 from 1s".
func (w Window) ID() string {
	id := w.Inject.String() + " on " + w.On.String()
	if of := w.Of.String(); of != "" {
		id += ", " + of
	}
	switch {
	case !w.When.IsZero() && w.From > 0:
		id += fmt.Sprintf(" from %s after %s", w.From, w.When)
	case !w.When.IsZero():
		id += " from " + w.When.String()
	case w.From > 0:
		id += " from " + w.From.String()
	}
	return id
}

// Before is the phase before the window: requests that were done when the fault was about to be applied.
func (w Window) Before() record.Phase { return record.Phase{Window: w.ID(), Part: record.Before} }

// During is the phase of the window: requests sent after the fault was applied and before it was about to be lifted.
func (w Window) During() record.Phase { return record.Phase{Window: w.ID(), Part: record.During} }

// After is the phase after the window, less the time in which the gateway may recover.
func (w Window) After(settle time.Duration) record.Phase {
	return record.Phase{Window: w.ID(), Part: record.After, Settle: settle}
}

// validate reports everything that is wrong with the window alone.
func (w Window) validate(backends topology.Group, load time.Duration, requests int) (problems []error) {
	wrong := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	wrong(w.Inject.Validate())
	acts := w.Inject.Acts()
	switch on := party(w.On); {
	case on != acts.On:
		wrong(fmt.Errorf("it acts on %s, not on %s", acts.On, on))
	case on == Replica:
		wrong(w.On.ValidateIn(backends))
	}
	wrong(w.Of.Validate())
	if !w.Of.TakesAll() && !slices.Contains(acts.Chooses, w.Of.Unit()) {
		wrong(fmt.Errorf("it cannot choose %s: it touches whatever is there", w.Of))
	}
	if w.From < 0 || w.For < 0 || w.From >= load || w.For > load-w.From {
		wrong(fmt.Errorf("from %s for %s does not lie within the load of %s", w.From, w.For, load))
	}
	if w.For > 0 && !w.Until.IsZero() {
		wrong(errors.New("it ends both after a time and with an event: set For or Until"))
	}
	wrong(w.When.validate(backends, requests))
	wrong(w.Until.validate(backends, requests))
	return problems
}

func party(t topology.Target) Party {
	switch t {
	case topology.Gateway:
		return Gateway
	case topology.Client:
		return Client
	}
	return Replica
}

// contradicts reports whether two windows cannot both do what they say: they take hold of the same thing of one party at
// one time, and one of them leaves nothing to the other. Of windows that begin or end with events the times are not known;
// they are taken to overlap only if they do in any case.
func (w Window) contradicts(other Window, load time.Duration) bool {
	if w.Inject.Acts().Holds != other.Inject.Acts().Holds || !meet(w.On, other.On) {
		return false
	}
	if !w.timed() || !other.timed() {
		return w.span(load) == other.span(load) && w.When == other.When && w.Until == other.Until && w.exclusive(other)
	}
	a, b := w.span(load), other.span(load)
	return a.Begin < b.End && b.Begin < a.End && w.exclusive(other)
}

// crowds reports whether two windows meet at a party that one of them needs for itself. Of those whose times are not known
// only one that fills the whole load does so in any case.
func (w Window) crowds(other Window, load time.Duration) bool {
	if !w.Inject.Acts().Alone && !other.Inject.Acts().Alone || !meet(w.On, other.On) {
		return false
	}
	a, b := w.span(load), other.span(load)
	if w.timed() && other.timed() {
		return a.Begin <= b.End && b.Begin <= a.End
	}
	whole := record.Span{End: load}
	return w.timed() && a == whole || other.timed() && b == whole
}

// timed reports whether the window begins and ends at times that are known beforehand.
func (w Window) timed() bool { return w.When.IsZero() && w.Until.IsZero() }

func (w Window) exclusive(other Window) bool { return w.Of.TakesAll() || other.Of.TakesAll() }

func (w Window) span(load time.Duration) record.Span {
	if w.For == 0 {
		return record.Span{Begin: w.From, End: load}
	}
	return record.Span{Begin: w.From, End: w.From + w.For}
}

// meet reports whether two targets have something in common.
func meet(a, b topology.Target) bool {
	if a == b {
		return true
	}
	return slices.ContainsFunc(a.Replicas(), func(r topology.Replica) bool { return slices.Contains(b.Replicas(), r) })
}
