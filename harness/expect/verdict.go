// Package expect says what must hold and judges whether it did: pure functions over a record, which can be judged again
// with other bounds and without a gateway.
package expect

import (
	"fmt"
	"iter"

	"github.com/badgateway/badgateway/harness/record"
)

// Ruling is what a judgement came to. The zero Ruling is inconclusive: what was not measured is never green.
type Ruling string

// The rulings.
const (
	// Inconclusive says that the run cannot tell: too few requests, a fault that touched nothing, a late client.
	Inconclusive Ruling = ""
	// Pass and Fail are the gateway's doing.
	Pass Ruling = "pass"
	Fail Ruling = "fail"
	// Known is a failure that the gateway's known.yaml describes.
	Known Ruling = "known"
	// KnownGone is a pass where known.yaml describes a failure: the entry is out of date.
	KnownGone Ruling = "known, but gone"
	// Error is the harness's own failure: the facts contradict each other or are incomplete.
	Error Ruling = "error"
)

// String names the ruling.
func (r Ruling) String() string {
	if r == Inconclusive {
		return "inconclusive"
	}
	return string(r)
}

// MarshalText writes the ruling by name, so that no saved verdict looks empty.
func (r Ruling) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote, and refuses a word that this program does not know.
func (r *Ruling) UnmarshalText(text []byte) error {
	switch known := Ruling(text); known {
	case Inconclusive, "inconclusive":
		*r = Inconclusive
	case Pass, Fail, Known, KnownGone, Error:
		*r = known
	default:
		return fmt.Errorf("unknown ruling %q", text)
	}
	return nil
}

// Verdict is the judgement of one promise.
type Verdict struct {
	// Metric is the word for what was measured, e.g. "failures"; known.yaml refers to it.
	Metric string `json:"metric"`
	// Promise is the whole sentence, e.g. "failures during close-on-reuse by FIN on orders-1: none".
	Promise string `json:"promise"`
	Ruling  Ruling `json:"ruling"`
	// Reason explains every ruling but a pass.
	Reason string `json:"reason,omitempty"`
	// N is the number of requests judged, K how many of them counted against the promise (shares only).
	N int `json:"n"`
	K int `json:"k,omitempty"`
	// Connections is how many connections those requests were on, where the fault chose connections: they are the unit.
	Connections int `json:"connections,omitempty"`
	// Value is what was measured: a share from 0 to 1, or a mean; Low and High its interval, at 95 % or the level of Looks.
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	// Bound is what was promised, in the unit of Value.
	Bound float64 `json:"bound"`
	// By is where the bound comes from if not from the scenario: the name of a thresholds file.
	By string `json:"by,omitempty"`
	// Measured says the numbers in words, e.g. "11.2 % (224 of 2000; 95 % interval 9.9-12.7 %)".
	Measured string `json:"measured,omitempty"`
	// Untouched says how many of those K no fault touched.
	Untouched int `json:"untouched,omitempty"`
	// Outcomes counts what the requests that count against the promise ended in: statuses and outcomes.
	Outcomes map[string]int `json:"outcomes,omitempty"`
	// Witness is the first exchange that counts against the promise.
	Witness *record.Exchange `json:"witness,omitempty"`
	// Looks is nil where the scenario may be looked at once.
	Looks *Looks `json:"looks,omitempty"`
}

// Evidence is what a judgement rests on: the last look at a scenario, and those before it.
type Evidence struct {
	// Planned is how many requests the load was to send.
	Planned    int
	Exchanges  []record.Exchange
	Strays     []record.Arrival
	Injections []record.Injection
	// Before is the evidence of the looks before, each by itself; Most is how many looks there may be in all, as was said
	// before the first. Zero is one.
	Before []Evidence
	Most   int
	// Together says that all of these runs were meant to be made from the start: none was made because of what another had
	// shown, and each interval is at 95 %.
	Together bool
}

// Expectation is a promise with a bound.
type Expectation interface {
	// Judge measures the promise.
	Judge(Evidence) Verdict
	// Phase is the part of the run the promise is about.
	Phase() record.Phase
	// Validate says what is wrong with the promise, e.g. a bound that can never be broken.
	Validate() error
}

// All is the list of a scenario's expectations.
type All []Expectation

// Percent is the unit of shares: 5 * Percent.
const Percent = 0.01

// exchanges goes through those of a phase, at each look, from 0. ok is false when the phase's window was not opened at each,
// and then there are none.
func (e Evidence) exchanges(p record.Phase) (in iter.Seq2[int, record.Exchange], ok bool) {
	looks := e.Looks()
	windows := make([]record.Injection, len(looks))
	for n, look := range looks {
		if windows[n], ok = look.window(p); !ok {
			return func(func(int, record.Exchange) bool) {}, false
		}
	}
	return func(yield func(int, record.Exchange) bool) {
		for n, look := range looks {
			for _, x := range look.Exchanges {
				if p.Holds(x, windows[n]) && !yield(n, x) {
					return
				}
			}
		}
	}, true
}

// window is the injection that a phase is about. ok is false when there was none.
func (e Evidence) window(p record.Phase) (window record.Injection, ok bool) {
	for _, i := range e.Injections {
		if i.ID == p.Window {
			window, ok = i, true
		}
	}
	return window, ok || p.Part == record.Whole
}

// testify makes the exchange the witness, unless there is one already.
func (v *Verdict) testify(x record.Exchange) {
	if v.Witness == nil {
		witness := x.Copy() // a verdict is kept longer than the record
		v.Witness = &witness
	}
}
