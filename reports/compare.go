package reports

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/stats"
)

// Comparison is what the rounds of an old gateway and those of a new one say of the difference between them.
type Comparison struct {
	Version int    `json:"version"`
	Old     Side   `json:"old"`
	New     Side   `json:"new"`
	Level   string `json:"level"`
	// Behaviour lists, in words, what one of them does and the other never did: these are no rates.
	Behaviour []Behaviour `json:"behaviour,omitempty"`
	// Metrics are all that was compared, those that differ first.
	Metrics []MetricDifference `json:"metrics"`
	// Alone are scenarios that only one of them ran, with the reason.
	Alone []string `json:"alone,omitempty"`
	// Missing says that among them is one that the old one ran, and the new one did not.
	Missing bool `json:"missing,omitempty"`
	// Problems are files that could not be read.
	Problems []string `json:"problems,omitempty"`
}

// Side is one of the two.
type Side struct {
	Name string `json:"name"`
	// Versions are those that were detected.
	Versions []string `json:"versions"`
	// Rounds is how often its scenarios were run, at least and at most.
	Rounds [2]int `json:"rounds"`
}

// Behaviour is one thing that the new one does and the old one never did, or the reverse.
type Behaviour struct {
	Scenario string `json:"scenario"`
	What     string `json:"what"`
}

// MetricDifference is one metric of a scenario, old and new.
type MetricDifference struct {
	Scenario string `json:"scenario"`
	Metric   string `json:"metric"`
	Old      string `json:"old"`
	New      string `json:"new"`
	// Difference is New less Old with its limits at the level, in words.
	Difference string `json:"difference"`
	// P is of this metric alone; Adjusted is of it in the family of all metrics, by Holm. Absent where too little was seen.
	P        *float64 `json:"p,omitempty"`
	Adjusted *float64 `json:"adjusted,omitempty"`
	Change   Change   `json:"change"`
	// Smallest says which values the new one would have had to have for this metric alone to be called different.
	Smallest string `json:"smallest"`

	p float64
	// appeared and gone say that a share was zero in the old one, or is in the new one.
	appeared, gone bool
	word           string
	good           direction
	sign           int
}

// Change is what a difference means. The zero Change says that none was shown.
type Change string

// The changes.
const (
	NoChange Change = "~"
	Better   Change = "better"
	Worse    Change = "worse"
	// Differs is a difference that is neither good nor bad in itself.
	Differs Change = "differs"
)

// direction says what is better of a metric.
type direction int

const (
	neither direction = iota
	lower
)

const (
	comparisonVersion = 1
	comparisonLevel   = stats.Confidence95
)

// rounds are the results of one scenario, in the order in which they were run.
type rounds []Result

// Compare compares two runs, or the rounds of both, scenario by scenario. Where both have the same gateways, each is compared
// with itself; else each must have one.
func Compare(before, after Run) (Comparison, error) {
	c := Comparison{Version: comparisonVersion, Level: "95 %", Problems: slices.Concat(before.Problems, after.Problems)}
	olds, news, err := paired(before, after)
	if err != nil {
		return c, err
	}
	c.Old, c.New = side(olds), side(news)
	for _, key := range union(olds, news) {
		c.add(key, olds[key], news[key])
	}
	if len(c.Metrics) == 0 {
		return c, fmt.Errorf("there is nothing to compare: %s", strings.Join(c.Alone, "; "))
	}
	c.decide()
	return c, nil
}

// paired groups results by scenario, or by scenario and gateway where there are several.
func paired(before, after Run) (olds, news map[string]rounds, err error) {
	of := func(r Run) map[string]bool {
		names := map[string]bool{}
		for _, x := range r.Results {
			names[x.Gateway] = true
		}
		return names
	}
	a, b := of(before), of(after)
	several := len(a) > 1 || len(b) > 1
	if several && !maps.Equal(a, b) {
		return nil, nil, fmt.Errorf("the old run is of %s, the new one of %s: name one gateway of each, or compare the same ones",
			strings.Join(slices.Sorted(maps.Keys(a)), ", "), strings.Join(slices.Sorted(maps.Keys(b)), ", "))
	}
	group := func(r Run) map[string]rounds {
		all := map[string]rounds{}
		for _, x := range r.Results {
			key := x.Scenario
			if several {
				key += " on " + x.Gateway
			}
			all[key] = append(all[key], x)
		}
		for _, rs := range all {
			slices.SortStableFunc(rs, func(a, b Result) int { return a.began().Compare(b.began()) })
		}
		return all
	}
	olds, news = group(before), group(after)
	if len(olds) == 0 || len(news) == 0 {
		return nil, nil, errors.New("one of the runs has no results")
	}
	return olds, news, nil
}

func (r Result) began() time.Time {
	if r.Case == nil {
		return time.Time{}
	}
	return r.Case.Began
}

func side(all map[string]rounds) Side {
	names, versions := map[string]bool{}, map[string]bool{}
	s := Side{Rounds: [2]int{math.MaxInt, 0}}
	for _, rs := range all {
		ran := rs.ran()
		if len(ran) > 0 {
			s.Rounds = [2]int{min(s.Rounds[0], len(ran)), max(s.Rounds[1], len(ran))}
		}
		for _, r := range rs {
			names[r.Gateway] = true
			if r.Detected != "" {
				versions[r.Detected] = true
			}
		}
	}
	s.Rounds[0] = min(s.Rounds[0], s.Rounds[1])
	s.Name = strings.Join(slices.SortedFunc(maps.Keys(names), byNameThenVersion), ", ")
	s.Versions = slices.Sorted(maps.Keys(versions))
	return s
}

func union(a, b map[string]rounds) []string {
	all := map[string]bool{}
	for _, m := range []map[string]rounds{a, b} {
		for key := range m {
			all[key] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// ran leaves out what was not run, and what the harness could not do.
func (rs rounds) ran() rounds {
	return slices.DeleteFunc(slices.Clone(rs), func(r Result) bool {
		return r.NotRun != "" || r.Ruling == expect.Error || r.Summary.Requests == 0
	})
}

// add compares one scenario.
func (c *Comparison) add(scenario string, before, after rounds) {
	olds, news := before.ran(), after.ran()
	if len(olds) == 0 || len(news) == 0 {
		c.Alone = append(c.Alone, alone(scenario, before, after))
		c.Missing = c.Missing || len(olds) > 0
		return
	}
	for _, m := range shareMetrics(olds, news) {
		c.Metrics = append(c.Metrics, m.compare(scenario, olds, news))
	}
	for _, m := range quantities {
		if len(m.values(olds))+len(m.values(news)) > 0 {
			c.Metrics = append(c.Metrics, m.compare(scenario, olds, news))
		}
	}
	if was, is := olds.word(), news.word(); was != is && was != "" && is != "" {
		c.Behaviour = append(c.Behaviour, Behaviour{scenario, fmt.Sprintf("the verdict was %s and is %s, in %s", was, is, inRounds(olds, news))})
	}
}

func inRounds(olds, news rounds) string {
	if len(olds) == 1 && len(news) == 1 {
		return "one round of each"
	}
	return fmt.Sprintf("all rounds, %d and %d", len(olds), len(news))
}

// word is the verdict of all rounds, or "" where they do not agree.
func (rs rounds) word() string {
	for _, r := range rs {
		if r.Word() != rs[0].Word() {
			return ""
		}
	}
	return rs[0].Word()
}

func alone(scenario string, before, after rounds) string {
	switch {
	case len(before.ran()) > 0:
		return fmt.Sprintf("%s: only the old one ran: %s", scenario, after.why())
	case len(after.ran()) > 0:
		return fmt.Sprintf("%s: only the new one ran: %s", scenario, before.why())
	}
	return fmt.Sprintf("%s: neither ran: %s", scenario, cmp.Or(before.why(), after.why()))
}

// why says why there is nothing to be compared in these rounds.
func (rs rounds) why() string {
	if len(rs) == 0 {
		return "it has no result of the other"
	}
	first := rs[0]
	if first.NotRun == "" && len(first.Verdicts) > 0 {
		return first.Verdicts[0].Reason
	}
	return cmp.Or(first.NotRun, "no request of the other was seen")
}

// decide puts all metrics into one family, and says what those that differ mean.
func (c *Comparison) decide() {
	p := make([]float64, len(c.Metrics))
	for i, m := range c.Metrics {
		p[i] = m.p
	}
	adjusted := stats.Holm(p)
	for i := range c.Metrics {
		m := &c.Metrics[i]
		m.Change = NoChange
		if math.IsNaN(m.p) {
			continue
		}
		m.P, m.Adjusted = &p[i], &adjusted[i]
		if adjusted[i] <= 1-float64(comparisonLevel) {
			m.Change = m.change()
			if what := m.behaviour(); what != "" {
				c.Behaviour = append(c.Behaviour, Behaviour{m.Scenario, what})
			}
		}
	}
	weight := func(m MetricDifference) int {
		return slices.Index([]Change{Worse, Better, Differs, NoChange}, m.Change)
	}
	slices.SortStableFunc(c.Metrics, func(a, b MetricDifference) int { return weight(a) - weight(b) })
	slices.SortStableFunc(c.Behaviour, func(a, b Behaviour) int { return strings.Compare(a.Scenario, b.Scenario) })
}

func (m MetricDifference) change() Change {
	switch {
	case m.good == neither:
		return Differs
	case m.sign > 0:
		return Worse
	default:
		return Better
	}
}

// behaviour says in words that a share is no longer zero, or is now.
func (m MetricDifference) behaviour() string {
	switch {
	case m.appeared:
		return fmt.Sprintf("%s: new, in %s; before in %s", m.word, m.New, m.Old)
	case m.gone:
		return fmt.Sprintf("%s: gone; before in %s", m.word, m.Old)
	}
	return ""
}

// Count is how many metrics changed in that way.
func (c Comparison) Count(change Change) int {
	n := 0
	for _, m := range c.Metrics {
		if m.Change == change {
			n++
		}
	}
	return n
}
