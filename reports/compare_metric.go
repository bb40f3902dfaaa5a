package reports

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/badgateway/badgateway/harness/stats"
)

// share is a metric that counts requests.
type share struct {
	metric string
	// word says what such a request is, where having none is a behaviour.
	word string
	good direction
	of   func(Result) stats.Count
}

// shareMetrics are what is counted in each scenario: what fails, what is sent again, what is executed twice, and each outcome that
// any round had.
func shareMetrics(olds, news rounds) []share {
	requests := func(k int, r Result) stats.Count { return stats.Count{K: k, N: r.Summary.Requests} }
	all := []share{{"failures", "", lower, func(r Result) stats.Count { return requests(r.Summary.Failures, r) }}}
	costs := []share{
		{"sent again", "requests are sent again", neither, func(r Result) stats.Count { return requests(r.Summary.again(), r) }},
		{"executed more than once", "requests that are not idempotent are executed more than once", lower, func(r Result) stats.Count {
			return requests(r.Summary.Costs.Duplicates, r)
		}},
	}
	if !slices.ContainsFunc(slices.Concat(olds, news), Result.withoutCosts) {
		all = append(all, costs...)
	}
	labels := map[string]bool{}
	for _, r := range slices.Concat(olds, news) {
		for label := range r.Summary.Outcomes {
			labels[label] = true
		}
	}
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		if label[0] == '2' { // the rest of the failures
			continue
		}
		all = append(all, share{label, "clients see " + label, neither, func(r Result) stats.Count {
			return requests(r.Summary.Outcomes[label], r)
		}})
	}
	return slices.DeleteFunc(all, func(s share) bool { return s.none(olds) && s.none(news) && s.metric != "failures" })
}

// withoutCosts reports whether the result was saved before costs were.
func (r Result) withoutCosts() bool { return r.Version == 1 }

func (s share) none(rs rounds) bool {
	return !slices.ContainsFunc(rs, func(r Result) bool { return s.of(r).K > 0 })
}

// again counts the requests that arrived more than once.
func (s Summary) again() int {
	n := 0
	for arrivals, requests := range s.Distribution {
		if arrivals > 1 {
			n += requests
		}
	}
	return n
}

func (s share) counts(rs rounds) []stats.Count {
	var all []stats.Count
	for _, r := range rs {
		all = append(all, s.of(r))
	}
	return all
}

func (s share) compare(scenario string, olds, news rounds) MetricDifference {
	c := stats.CompareRounds(s.counts(olds), s.counts(news), comparisonLevel)
	d := c.Difference
	return MetricDifference{
		Scenario: scenario, Metric: s.metric, Old: ofShare(c.Old), New: ofShare(c.New),
		Difference: fmt.Sprintf("%+.2f points (%+.2f to %+.2f)", 100*d.Value, 100*d.Low, 100*d.High),
		Smallest:   smallest(c.Critical), p: c.P, word: s.word, good: s.good, sign: sign(d.Value),
		appeared: s.word != "" && c.Old.K == 0, gone: s.word != "" && c.New.K == 0,
	}
}

func ofShare(c stats.Count) string {
	return fmt.Sprintf("%s %% (%d of %d)", short(100*c.Share()), c.K, c.N)
}

func smallest(c stats.Critical) string {
	switch {
	case math.IsNaN(c.Less) && math.IsNaN(c.More):
		return "none at all"
	case math.IsNaN(c.Less):
		return fmt.Sprintf("%s %% or more", short(100*c.More))
	case math.IsNaN(c.More):
		return fmt.Sprintf("%s %% or less", short(100*c.Less))
	}
	return fmt.Sprintf("%s %% or less, %s %% or more", short(100*c.Less), short(100*c.More))
}

func short(x float64) string { return strconv.FormatFloat(x, 'g', 3, 64) }

func sign(x float64) int {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// quantity is a metric with one value for each round.
type quantity struct {
	metric string
	good   direction
	of     func(Result) float64 // NaN where there is none
	text   func(float64) string
}

var quantities = []quantity{
	{"good answers, median", lower, func(r Result) float64 { return known(r.Summary.Costs.Median) }, inTime},
	{"good answers, 99 % quantile", lower, func(r Result) float64 { return known(r.Summary.Costs.Tail) }, inTime},
	{"failing on after the fault", lower, func(r Result) float64 { return r.Summary.failingOn() }, inTime},
	{"connections per request", neither, connectionsOf, func(x float64) string { return fmt.Sprintf("%.3f", x) }},
}

func connectionsOf(r Result) float64 {
	if r.withoutCosts() {
		return math.NaN()
	}
	return r.Summary.Costs.Connections
}

func known(d time.Duration) float64 {
	if d == 0 {
		return math.NaN()
	}
	return d.Seconds()
}

func inTime(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(10 * time.Microsecond).String()
}

// failingOn is how long after the last fault was lifted requests failed, in seconds; NaN where nothing was sent after any.
func (s Summary) failingOn() float64 {
	longest := math.NaN()
	for _, w := range s.Windows {
		if w.After > 0 && !(w.Failing < longest) {
			longest = w.Failing
		}
	}
	return longest
}

func (q quantity) values(rs rounds) []float64 {
	var all []float64
	for _, r := range rs {
		if v := q.of(r); !math.IsNaN(v) {
			all = append(all, v)
		}
	}
	return all
}

func (q quantity) compare(scenario string, olds, news rounds) MetricDifference {
	m := MetricDifference{Scenario: scenario, Metric: q.metric, Old: "-", New: "-", Difference: "-", Smallest: "-", good: q.good, p: math.NaN()}
	a, b := q.values(olds), q.values(news)
	if len(a) > 0 {
		m.Old = q.text(median(a))
	}
	if len(b) > 0 {
		m.New = q.text(median(b))
	}
	if len(a) == 0 || len(b) == 0 {
		return m
	}
	m.p = stats.MannWhitney(a, b)
	shift := stats.HodgesLehmann(a, b, comparisonLevel)
	m.sign = sign(shift.Value)
	m.Difference = q.signed(shift.Value)
	if math.IsInf(shift.Low, 0) || math.IsInf(shift.High, 0) {
		m.Smallest = fmt.Sprintf("none at all in %d and %d rounds", len(a), len(b))
		m.p = math.NaN() // it could not have been called different, whatever it was, so it asks nothing of the family
		return m
	}
	m.Difference += fmt.Sprintf(" (%s to %s)", q.signed(shift.Low), q.signed(shift.High))
	m.Smallest = fmt.Sprintf("about %s more or less", q.text((shift.High-shift.Low)/2))
	return m
}

func (q quantity) signed(x float64) string {
	if x < 0 && q.text(-x) != q.text(0) {
		return "-" + q.text(-x)
	}
	return "+" + q.text(max(x, 0))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
