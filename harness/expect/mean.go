package expect

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/stats"
)

// Mean is the mean of a number over a phase's requests. It becomes an expectation by a bound. Where the fault chose its
// victims among connections, those are what is independent, and there must be enough of them.
type Mean struct {
	share Share // says which requests; counts is not used
	of    func(record.Exchange) float64
}

// Where limits the requests that the mean is taken of.
func (m Mean) Where(only ...Filter) Mean {
	m.share = m.share.Where(only...)
	return m
}

// AtMost promises a mean of at most that bound.
func (m Mean) AtMost(bound float64) Expectation { return meanAtMost{m, bound} }

type meanAtMost struct {
	mean  Mean
	bound float64
}

var _ Expectation = meanAtMost{}

func (x meanAtMost) Phase() record.Phase { return x.mean.share.phase }

func (x meanAtMost) Validate() error {
	if !(x.bound > 0) {
		return fmt.Errorf("%s: a bound of %g can never be kept", x.mean.share.name(), x.bound)
	}
	return nil
}

func (x meanAtMost) Judge(e Evidence) Verdict {
	v := Verdict{
		Metric: x.mean.share.metric, Bound: x.bound,
		Promise: fmt.Sprintf("%s: at most %s", x.mean.share.name(), digits(x.bound)),
	}
	in, opened := e.exchanges(x.mean.share.phase)
	if !opened {
		v.Reason = "the fault of this phase was never applied"
		return v
	}
	measured := e.measure(x.mean.share.phase)
	for look, exchange := range in {
		if !x.mean.share.keeps(exchange) {
			continue
		}
		value := x.mean.of(exchange)
		measured.add(look, exchange, value)
		if value > x.bound {
			v.testify(exchange)
		}
	}
	v.N, v.Connections = measured.N(), len(measured.byConnection)
	if n := measured.independent(); n < e.fewest() {
		v.Reason = fmt.Sprintf("%d %s fall under this promise, at least %d are needed to judge", n, measured.name(), e.fewest())
		return v
	}
	interval := measured.interval(e.level())
	v.Value, v.Low, v.High = measured.Mean(), interval.Low, interval.High
	v.Measured = fmt.Sprintf("%.3g (n = %d%s; %s interval %.3g-%.3g; at most %.0f)", v.Value, v.N,
		measured.onConnections(v.Connections), levelInWords(e.level()), v.Low, v.High, measured.Max())
	switch {
	case interval.AtOrUnder(x.bound):
		v.Ruling, v.Witness = Pass, nil
	case interval.Over(x.bound):
		v.Ruling, v.Reason = Fail, fmt.Sprintf("want at most %s, got %s", digits(x.bound), v.Measured)
	default:
		v.Reason = fmt.Sprintf("the bound of %s lies within the interval of %s", digits(x.bound), v.Measured)
	}
	return v
}

// measured is a mean as measured, in the unit that the fault says.
type measured struct {
	stats.Sample
	units
	// byConnection is empty where requests are the unit.
	byConnection map[connection]*stats.Sample
}

// measure begins to measure in a phase.
func (e Evidence) measure(p record.Phase) *measured {
	return &measured{units: e.units(p), byConnection: map[connection]*stats.Sample{}}
}

// add takes in the value of an exchange of a look.
func (m *measured) add(look int, x record.Exchange, value float64) {
	m.Add(value)
	if !m.connections {
		return
	}
	on := m.of(look, x)
	if m.byConnection[on] == nil {
		m.byConnection[on] = &stats.Sample{}
	}
	m.byConnection[on].Add(value)
}

// independent is how many values there are that are independent.
func (m *measured) independent() int {
	if m.connections {
		return len(m.byConnection)
	}
	return m.N()
}

func (m *measured) interval(level stats.Level) stats.Interval {
	if !m.connections {
		return m.Interval(level)
	}
	var groups stats.Groups
	for _, group := range m.byConnection {
		groups = append(groups, *group)
	}
	slices.SortFunc(groups, func(a, b stats.Sample) int { // sums of floats in one order
		return cmp.Or(a.N()-b.N(), cmp.Compare(a.Mean(), b.Mean()))
	})
	return groups.Interval(level)
}
