package expect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/badgateway/badgateway/harness/record"
)

// Waive says that a scenario does not hold the gateway to one of the invariants, e.g. "answers that no backend gave" where
// the gateway is told to answer by itself. The reason stands in the verdict, beside what was measured all the same.
func Waive(invariant, reason string) Expectation { return waiver{invariant, reason} }

type waiver struct{ invariant, reason string }

var _ Expectation = waiver{}

func (w waiver) Phase() record.Phase { return record.Phase{} }

func (w waiver) Validate() error {
	if _, known := w.find(); !known {
		names := make([]string, len(invariants))
		for i, x := range invariants {
			names[i] = x.metric
		}
		return fmt.Errorf("waive %q: no such invariant, want one of: %s", w.invariant, strings.Join(names, ", "))
	}
	if strings.TrimSpace(w.reason) == "" {
		return fmt.Errorf("waive %q: without a reason", w.invariant)
	}
	return nil
}

func (w waiver) find() (none, bool) {
	i := slices.IndexFunc(invariants, func(x none) bool { return x.metric == w.invariant })
	if i < 0 {
		return none{}, false
	}
	return invariants[i], true
}

func (w waiver) Judge(e Evidence) Verdict {
	x, known := w.find()
	if !known {
		return Verdict{Metric: w.invariant, Promise: w.invariant + ": waived", Ruling: Error, Reason: "no such invariant"}
	}
	v, _ := x.tally(e, "waived: "+w.reason)
	v.Ruling, v.Reason = Pass, ""
	return v
}

// waived reports whether one of the expectations is a waiver of the invariant.
func (all All) waived(invariant string) bool {
	return slices.ContainsFunc(all, func(x Expectation) bool {
		w, is := x.(waiver)
		return is && w.invariant == invariant
	})
}
