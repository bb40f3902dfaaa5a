package reports

import (
	"time"

	"github.com/badgateway/badgateway/harness/record"
)

// Window is what became of the requests that were sent while a fault was in force, and of those after it.
type Window struct {
	// ID is the injection's.
	ID string `json:"id"`
	// Look is the look it was opened in, from 1; 0 where there may be only one.
	Look int `json:"look,omitempty"`
	// In is when the fault was in force, from when it had been applied to when it began to be lifted.
	In record.Span `json:"in"`
	// Methods holds the requests sent while it was in force, by method.
	Methods map[string]Met `json:"methods,omitempty"`
	// After counts the requests sent after it was lifted; Failing is how long after that the last one was sent that failed,
	// in seconds, or 0 if none did.
	After   int     `json:"after,omitempty"`
	Failing float64 `json:"failing,omitempty"`
}

// Met is what requests of one method met.
type Met struct {
	Requests int `json:"requests"`
	// Outcomes counts statuses and outcomes.
	Outcomes map[string]int `json:"outcomes"`
	// Arrivals counts their arrivals, Most those of the one that has most.
	Arrivals int `json:"arrivals"`
	Most     int `json:"most"`
}

func summariseWindow(exchanges []record.Exchange, i record.Injection) Window {
	w := Window{ID: i.ID, In: record.Span{Begin: i.Applied.End, End: i.Lifted.Begin}, Methods: map[string]Met{}}
	during, after := record.Phase{Window: i.ID, Part: record.During}, record.Phase{Window: i.ID, Part: record.After}
	last := time.Duration(0)
	for _, x := range exchanges {
		switch {
		case during.Holds(x, i):
			m := w.Methods[x.Method]
			if m.Outcomes == nil {
				m.Outcomes = map[string]int{}
			}
			m.Requests++
			m.Outcomes[x.Label()]++
			m.Arrivals += x.Attempts()
			m.Most = max(m.Most, x.Attempts())
			w.Methods[x.Method] = m
		case after.Holds(x, i):
			w.After++
			if x.Failed() {
				last = max(last, x.Sent-i.Lifted.End)
			}
		}
	}
	w.Failing = last.Seconds()
	return w
}
