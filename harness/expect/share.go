package expect

import (
	"fmt"
	"math"

	"github.com/badgateway/badgateway/harness/record"
)

// Share is the share of a phase's requests that something is true of. It becomes an expectation by a bound.
type Share struct {
	metric string
	phase  record.Phase
	counts func(record.Exchange) bool
	where  []Filter
	// label names what counted exchanges ended in; nil is their own label.
	label func(record.Exchange) string
}

// IsZero reports whether nothing was said of what is counted.
func (s Share) IsZero() bool { return s.counts == nil }

// Filter limits the requests that a metric looks at.
type Filter struct {
	name string
	keep func(record.Exchange) bool
}

// Method keeps requests with that method.
func Method(method string) Filter {
	return Filter{method, func(e record.Exchange) bool { return e.Method == method }}
}

// Touched keeps requests of which a fault touched at least one arrival.
func Touched() Filter {
	return Filter{"touched by the fault", record.Exchange.Touched}
}

// Untouched keeps requests that no fault touched: what becomes of them says how far a fault reaches.
func Untouched() Filter {
	return Filter{"untouched by the fault", func(e record.Exchange) bool { return !e.Touched() }}
}

// Stream keeps requests of the stream of that name; "" is the one without a name.
func Stream(name string) Filter {
	words := "stream " + name
	if name == "" {
		words = "the stream without a name"
	}
	return Filter{words, func(e record.Exchange) bool { return e.Stream == name }}
}

// Where limits the requests that the share is taken of.
func (s Share) Where(only ...Filter) Share {
	s.where = append(append([]Filter{}, s.where...), only...)
	return s
}

// None promises that it is true of no request at all. One is enough to fail; none among enough requests passes, and the
// verdict says how small a share the run could have missed.
func (s Share) None() Expectation { return none{s} }

// AtMost promises a share of at most that bound, e.g. 5 * Percent.
func (s Share) AtMost(share float64) Expectation { return atMost{s, share} }

func (s Share) name() string {
	name := s.metric
	for _, f := range s.where {
		if f.name != "" {
			name += " of " + f.name
		}
	}
	return name + " " + s.phase.String()
}

// Phase is the part of the run the share is taken in.
func (s Share) Phase() record.Phase { return s.phase }

// tally is a share as measured, with the verdict begun.
func (s Share) tally(e Evidence, bound string) (Verdict, *tallied) {
	v := Verdict{Metric: s.metric, Promise: s.name() + ": " + bound, Outcomes: map[string]int{}}
	in, opened := e.exchanges(s.phase)
	if !opened {
		v.Reason = "the fault of this phase was never applied"
	}
	t := e.tally(s.phase)
	for look, x := range in {
		if !s.keeps(x) {
			continue
		}
		counts := s.counts(x)
		t.add(look, x, counts)
		if counts {
			if s.label != nil {
				v.Outcomes[s.label(x)]++
			} else {
				v.Outcomes[x.Label()]++
			}
			if !x.Touched() {
				v.Untouched++
			}
			v.testify(x)
		}
	}
	v.N, v.K = t.N, t.K
	v.Connections = len(t.byConnection)
	if v.N > 0 {
		interval := t.interval()
		v.Value, v.Low, v.High = t.Share(), interval.Low, interval.High
		v.Measured = fmt.Sprintf("%s (%s; %s interval %s-%s)", percent(v.Value), t, levelInWords(t.level), digits(100*v.Low), percent(v.High))
	} else if v.Reason == "" {
		v.Reason = "no request falls under this promise"
	}
	return v, t
}

func (s Share) keeps(x record.Exchange) bool {
	for _, f := range s.where {
		if !f.keep(x) {
			return false
		}
	}
	return true
}

type none struct{ Share }

var _ Expectation = none{}

func (x none) Validate() error { return nil }

func (x none) Judge(e Evidence) Verdict {
	v, t := x.tally(e, "none")
	switch {
	case v.N == 0:
	case v.K > 0:
		v.Ruling, v.Reason = Fail, fmt.Sprintf("want none, got %s", v.Measured)
	case t.independent() < e.fewest():
		v.Reason = fmt.Sprintf("none of %d, but at least %d %s are needed to judge", t.independent(), e.fewest(), t.name())
	default:
		v.Ruling = Pass
	}
	return v
}

type atMost struct {
	Share
	bound float64
}

var _ Expectation = atMost{}

func (x atMost) Validate() error {
	if !(x.bound >= 0 && x.bound < 1) { // NaN is wrong too
		return fmt.Errorf("%s: a bound of %g can never be kept or never be broken; a share lies between 0 and 1, 5 * Percent is 0.05",
			x.name(), x.bound)
	}
	return nil
}

func (x atMost) Judge(e Evidence) Verdict {
	v, t := x.tally(e, "at most "+percent(x.bound))
	v.Bound = x.bound
	if v.N == 0 {
		return v
	}
	interval := t.interval()
	switch {
	case interval.AtOrUnder(x.bound):
		v.Ruling = Pass
	case interval.Over(x.bound):
		v.Ruling, v.Reason = Fail, fmt.Sprintf("want at most %s, got %s", percent(x.bound), v.Measured)
	default:
		v.Reason = fmt.Sprintf("the bound of %s lies within the interval of %s; %s",
			percent(x.bound), v.Measured, t.needed(x.bound))
	}
	return v
}

func percent(share float64) string { return digits(100*share) + " %" }

// digits writes a number with as many decimals as it deserves: 11.2, 0.35, 0.0012, 100.
func digits(x float64) string {
	switch {
	case x == 0 || x == math.Trunc(x) && x >= 10:
		return fmt.Sprintf("%.0f", x)
	case x >= 1:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.2g", x)
	}
}
