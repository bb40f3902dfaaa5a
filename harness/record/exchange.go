package record

import (
	"cmp"
	"slices"
	"time"
)

// Exchange is a request joined with its arrivals, in the order in which they arrived. It is small, and handed around by
// value; what it refers to is the record's, and not to be changed.
type Exchange struct {
	*Request
	Arrivals []Arrival
}

// Copy is the exchange with a request and arrivals of its own, which does not keep the rest of the record in memory.
func (e Exchange) Copy() Exchange {
	request := *e.Request
	return Exchange{Request: &request, Arrivals: slices.Clone(e.Arrivals)}
}

// Attempts counts the arrivals.
func (e Exchange) Attempts() int { return len(e.Arrivals) }

// Executions counts the arrivals whose work was done.
func (e Exchange) Executions() int {
	n := 0
	for i := range e.Arrivals {
		if e.Arrivals[i].Executed {
			n++
		}
	}
	return n
}

// Touched reports whether a fault touched the request or one of the arrivals.
func (e Exchange) Touched() bool {
	if e.Injection != "" {
		return true
	}
	for i := range e.Arrivals {
		if e.Arrivals[i].Injection != "" {
			return true
		}
	}
	return false
}

// Answered reports whether some backend answered the request with the status the client saw, or died before it could say
// what it did: one that is killed may have answered and not yet written that down.
func (e Exchange) Answered() bool {
	for i := range e.Arrivals {
		if a := &e.Arrivals[i]; a.Backend == e.Backend && (a.Status == e.Status || a.Action == Unfinished) {
			return true
		}
	}
	return false
}

// Join matches requests and arrivals by id, never by time. Arrivals of no known request are returned as strays: they
// belong to requests that the client never sent, or whose record was lost. The exchanges refer to what they are made of:
// nothing is copied but the arrivals of requests that have several.
func Join(requests []Request, arrivals []Arrival) (exchanges []Exchange, strays []Arrival) {
	index := newIndex(requests)
	exchanges = make([]Exchange, len(requests))
	for i := range requests {
		exchanges[i].Request = &requests[i]
	}
	for i := range arrivals {
		n := index.find(arrivals[i].ID)
		switch {
		case n < 0:
			strays = append(strays, arrivals[i])
		case exchanges[n].Arrivals == nil:
			exchanges[n].Arrivals = arrivals[i : i+1 : i+1] // without room for a second, which moves both elsewhere
		default:
			exchanges[n].Arrivals = append(exchanges[n].Arrivals, arrivals[i])
		}
	}
	for i := range exchanges {
		if several := exchanges[i].Arrivals; len(several) > 1 {
			slices.SortStableFunc(several, func(a, b Arrival) int { return cmp.Compare(a.At, b.At) })
		}
	}
	return exchanges, strays
}

// Phase is a part of a run: all of it, or before, during or after one window. The zero Phase is the whole run.
type Phase struct {
	// Window is the id of an injection; empty for the whole run.
	Window string
	Part   Part
	// Settle is left out at the beginning of the after part, in which the gateway may recover.
	Settle time.Duration
}

// Part says which part of a run a phase is, relative to its window.
type Part string

// The parts.
const (
	Whole  Part = ""
	Before Part = "before"
	During Part = "during"
	After  Part = "after"
)

// String names the phase in a promise, e.g. "during close-on-reuse on orders-2".
func (p Phase) String() string {
	switch {
	case p.Part == Whole:
		return "in the whole run"
	case p.Part == After && p.Settle > 0:
		return "from " + p.Settle.String() + " after " + p.Window
	default:
		return string(p.Part) + " " + p.Window
	}
}

// Holds reports whether the exchange belongs to the phase. Windows are cut at what happened. An exchange under way while
// the fault was being applied belongs to no phase but the whole run, since it may or may not have met the fault. One that
// was sent while the fault was in force belongs to it however long it took: leaving out those that outlasted the fault
// would leave out the slowest failures. What was sent to warm up belongs to no phase at all.
func (p Phase) Holds(e Exchange, i Injection) bool {
	if e.Warmup {
		return false
	}
	switch p.Part {
	case Whole:
		return true
	case Before:
		return e.Done <= i.Applied.Begin
	case During:
		return e.Sent >= i.Applied.End && e.Sent < i.Lifted.Begin
	case After:
		return e.Sent >= i.Lifted.End+p.Settle
	}
	return false
}
