package expect

import (
	"fmt"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/stats"
)

// Mean is the mean of a number over a phase's requests. It becomes an expectation by a bound.
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
	var sample stats.Sample
	for _, exchange := range in {
		if !x.mean.share.keeps(exchange) {
			continue
		}
		value := x.mean.of(exchange)
		sample.Add(value)
		if value > x.bound {
			v.testify(exchange)
		}
	}
	v.N = sample.N()
	if v.N < e.fewest() {
		v.Reason = fmt.Sprintf("%d requests fall under this promise, at least %d are needed to judge", v.N, e.fewest())
		return v
	}
	interval := sample.Interval(e.level())
	v.Value, v.Low, v.High = sample.Mean(), interval.Low, interval.High
	v.Measured = fmt.Sprintf("%.3g (n = %d; %s interval %.3g-%.3g; at most %.0f)", v.Value, v.N, levelInWords(e.level()), v.Low, v.High, sample.Max())
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
