package expect

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/badgateway/badgateway/harness/record"
)

// Latency is a quantile of how long answers took, from when the request was due: a client or a gateway that falls behind
// does not make it look better. Failures have promises of their own, and are left out.
type Latency struct {
	share    Share // says which requests; counts is not used
	quantile float64
}

// LatencyOf is that quantile of the latency, e.g. 0.99.
func LatencyOf(quantile float64, during record.Phase) Latency {
	return Latency{share: Share{metric: fmt.Sprintf("latency p%g", math.Round(quantile*1e9)/1e7), phase: during}, quantile: quantile}.
		Where(answered)
}

// answered keeps requests that got a whole answer which is no failure.
var answered = Filter{"answered", func(e record.Exchange) bool { return !e.Failed() && e.Outcome == record.Complete }}

// quantileOf is that quantile of sorted values, of which there is at least one.
func quantileOf(sorted []time.Duration, quantile float64) time.Duration {
	return sorted[min(int(quantile*float64(len(sorted))), len(sorted)-1)]
}

// Slower is the share of requests whose outcome was known only later than that after they were due, whatever it was; none
// of them bounds how long anybody waits, failures included.
func Slower(than time.Duration, during record.Phase) Share {
	return Share{
		metric: "slower than " + than.String(), phase: during,
		counts: func(e record.Exchange) bool { return e.Done-e.Due > than },
	}
}

// Where limits the requests that the quantile is taken of.
func (l Latency) Where(only ...Filter) Latency {
	l.share = l.share.Where(only...)
	return l
}

// AtMost promises that the quantile is at most that. It is judged as what it says: that no more than the rest of the
// answers take longer. That holds whatever the distribution.
func (l Latency) AtMost(bound time.Duration) Expectation { return latencyAtMost{l, bound} }

type latencyAtMost struct {
	latency Latency
	bound   time.Duration
}

var _ Expectation = latencyAtMost{}

func (x latencyAtMost) Phase() record.Phase { return x.latency.share.phase }

func (x latencyAtMost) Validate() error {
	if !(x.latency.quantile > 0 && x.latency.quantile < 1) || x.bound <= 0 {
		return fmt.Errorf("%s: at most %s: want a quantile between 0 and 1, 0.99 say, and a positive bound", x.latency.share.name(), x.bound)
	}
	return nil
}

func (x latencyAtMost) Judge(e Evidence) Verdict {
	slower := x.latency.share
	all := make([]time.Duration, 0, len(e.Exchanges))
	slower.counts = func(exchange record.Exchange) bool {
		took := exchange.Done - exchange.Due
		all = append(all, took)
		return took > x.bound
	}
	v := slower.AtMost(math.Round((1-x.latency.quantile)*1e9) / 1e9).Judge(e)
	v.Promise = fmt.Sprintf("%s: at most %s", x.latency.share.name(), x.bound)
	v.Outcomes = nil // those of requests that are in order
	if v.N == 0 {
		return v
	}
	slices.Sort(all)
	seen := quantileOf(all, x.latency.quantile).Round(time.Microsecond)
	longer := v.Measured
	v.Measured = fmt.Sprintf("%s; longer than %s took %s", seen, x.bound, longer)
	switch v.Ruling {
	case Fail:
		v.Reason = fmt.Sprintf("want at most %s, got %s", x.bound, v.Measured)
	case Inconclusive:
		v.Reason = fmt.Sprintf("%s; %s", seen, strings.Replace(v.Reason, "interval of", "interval of those that took longer,", 1))
	case Pass, Known, KnownGone, Error:
	}
	return v
}
