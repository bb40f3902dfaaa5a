package record

import (
	"cmp"
	"slices"
	"time"
)

// Exchange is a request joined with its arrivals, in the order in which they arrived.
type Exchange struct {
	Request
	Arrivals []Arrival
}

// Attempts counts the arrivals.
func (e Exchange) Attempts() int { return len(e.Arrivals) }

// Executions counts the arrivals whose work was done.
func (e Exchange) Executions() int {
	n := 0
	for _, a := range e.Arrivals {
		if a.Executed {
			n++
		}
	}
	return n
}

// Touched reports whether a fault touched one of the arrivals.
func (e Exchange) Touched() bool {
	return slices.ContainsFunc(e.Arrivals, func(a Arrival) bool { return a.Injection != "" })
}

// Answered reports whether some backend answered the request with the status the client saw.
func (e Exchange) Answered() bool {
	return slices.ContainsFunc(e.Arrivals, func(a Arrival) bool { return a.Status == e.Status && a.Backend == e.Backend })
}

// Join matches requests and arrivals by id, never by time. Arrivals of no known request are returned as strays: they
// belong to requests that the client never sent, or whose record was lost.
func Join(requests []Request, arrivals []Arrival) (exchanges []Exchange, strays []Arrival) {
	index := make(map[string]int, len(requests))
	exchanges = make([]Exchange, len(requests))
	for i, r := range requests {
		index[r.ID] = i
		exchanges[i].Request = r
	}
	for _, a := range arrivals {
		i, known := index[a.ID]
		if !known {
			strays = append(strays, a)
			continue
		}
		exchanges[i].Arrivals = append(exchanges[i].Arrivals, a)
	}
	for i := range exchanges {
		slices.SortStableFunc(exchanges[i].Arrivals, func(a, b Arrival) int { return cmp.Compare(a.At, b.At) })
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
// would leave out the slowest failures.
func (p Phase) Holds(e Exchange, i Injection) bool {
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
