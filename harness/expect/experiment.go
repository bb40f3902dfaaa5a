package expect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/stats"
)

// Finding is what an experiment says of a fix, by what fails as found and what still fails with it. The zero Finding is
// undecided: what was not measured is no finding.
type Finding string

// The findings.
const (
	// Undecided says that the runs cannot tell.
	Undecided Finding = ""
	// Proved says that fewer fail, and none is left.
	Proved Finding = "fix proved"
	// Partly says that it is sure that less than half of what fails is left, but some is.
	Partly Finding = "fix proved in part"
	// Refuted says that the fix takes away less than half of what fails, if anything at all.
	Refuted Finding = "fix refuted"
	// Harmful says that it is sure that half as many again fail, or that work is done twice which was not before.
	Harmful Finding = "fix harmful"
	// NotShown says that nothing fails as found: there is nothing to be fixed here.
	NotShown Finding = "no difference shown"
)

// String names the finding.
func (f Finding) String() string {
	if f == Undecided {
		return "undecided"
	}
	return string(f)
}

// MarshalText writes the finding by name.
func (f Finding) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what MarshalText wrote, and refuses a word that this program does not know.
func (f *Finding) UnmarshalText(text []byte) error {
	switch known := Finding(text); known {
	case Undecided, "undecided":
		*f = Undecided
	case Proved, Partly, Refuted, Harmful, NotShown:
		*f = known
	default:
		return fmt.Errorf("unknown finding %q", text)
	}
	return nil
}

// Arm is one side of an experiment, in numbers: as found, or with the fix.
type Arm struct {
	// K of N requests count against the gateway; Low and High are the limits of the share at 95 %.
	K    int     `json:"k"`
	N    int     `json:"n"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Outcomes counts what those K ended in.
	Outcomes map[string]int `json:"outcomes,omitempty"`
	Costs
	// Witness is the first exchange that counts.
	Witness *record.Exchange `json:"witness,omitempty"`
}

// Share is K of N.
func (a Arm) Share() float64 { return stats.Count{K: a.K, N: a.N}.Share() }

// Costs is what a run costs, whatever fails in it.
type Costs struct {
	// Attempts is the mean number of arrivals of a request, Connections that of connections opened to backends for it.
	Attempts    float64 `json:"attempts"`
	Connections float64 `json:"connections"`
	// Duplicates counts the requests of methods that are not idempotent (RFC 9110, section 9.2.2) whose work was done more
	// than once.
	Duplicates int `json:"duplicates"`
	// Median and Tail are the 50 % and the 99 % quantile of how long good answers took, in nanoseconds since they were due;
	// zero where there was none.
	Median time.Duration `json:"median"`
	Tail   time.Duration `json:"tail"`
}

// Experiment is what two arms come to.
type Experiment struct {
	Finding Finding `json:"finding"`
	// Open says that more rounds could decide what these could not.
	Open bool `json:"-"`
	// Reason says why the experiment is undecided, or what the harm is.
	Reason string `json:"reason,omitempty"`
	// Metric is the word for what was counted.
	Metric string `json:"metric"`
	Found  Arm    `json:"found"`
	Fixed  Arm    `json:"fixed"`
	// Less is by how much the share is less with the fix, from -1 to 1; Low and High are its limits at 95 %.
	Less float64 `json:"less"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Phi is how much more the rounds of an arm vary than independent requests would make them, 1 when just as much; 0 when
	// they show nothing of it. Where it is 8, eight requests are worth one.
	Phi float64 `json:"phi,omitempty"`
	// Quiet is as found but without the faults, Straight as found but without the gateway: controls, which say where the
	// failures come from.
	Quiet    Arm `json:"quiet"`
	Straight Arm `json:"straight"`
}

// half is how much of what fails as found a difference must come to. Less is no fix that anybody would recommend, and no
// harm done by one: how often a race is lost depends on how busy the machine is, and drifts from run to run, rare losses by as
// much as a half.
const half = 0.5

// Together is the evidence of several runs that were all meant to be made from the start, or up to one of so many looks.
func Together(runs []Evidence, looks int) Evidence {
	last := len(runs) - 1
	all := runs[last]
	all.Before, all.Together, all.Most = runs[:last:last], true, looks
	return all
}

// Weigh compares a share in two arms, and says what the controls came to. Requests that fail in bursts, as where a race is
// lost whenever the machine is in a certain state, are not trials of their own; that is seen in how the rounds of one arm
// differ, part of the schedule by part, and the intervals are as wide as that wants.
func Weigh(of Share, found, fixed, quiet, straight Evidence) Experiment {
	varies := dispersion(of, found, fixed)
	control := of.in(record.Phase{})
	x := Experiment{
		Metric: of.metric, Found: measure(of, found, varies), Fixed: measure(of, fixed, varies), Phi: varies.Phi,
		Quiet: measure(control, quiet, stats.Dispersion{}), Straight: measure(control, straight, stats.Dispersion{}),
	}
	if x.Found.N > 0 && x.Fixed.N > 0 { // else there is no number to be less
		less := x.Found.estimate().Less(x.Fixed.estimate())
		x.Less, x.Low, x.High = less.Value, less.Low, less.High
	}
	if x.Reason = doubtOfArm("as found", found, Doubt); x.Reason == "" {
		x.Reason = doubtOfArm("with the fix", fixed, doubtOfFixed)
	}
	if x.Reason == "" {
		x.Reason = doubtOfArm("without the faults", quiet, Doubt)
	}
	if x.Reason == "" {
		x.decide(lessTwice(found, fixed))
	}
	return x
}

// decide says what was found. twice is by how much less often work is done twice with the fix.
func (x *Experiment) decide(twice stats.Estimate) {
	switch {
	case x.Found.N == 0 || x.Fixed.N == 0:
		x.Reason = "no request falls under what is counted"
	case x.Quiet.K > 0:
		x.Reason = fmt.Sprintf("without the faults %s, so that it is not they that make them", x.Quiet)
	case x.High < 0 && x.High < -half*x.Found.Share():
		x.Finding, x.Reason = Harmful, "more "+x.Metric+" than without it"
	case twice.High < 0:
		x.Finding, x.Reason = Harmful, fmt.Sprintf("%d requests that are not idempotent were executed more than once, before it %d",
			x.Fixed.Duplicates, x.Found.Duplicates)
	case x.Low > 0 && x.Fixed.K == 0:
		x.Finding = Proved
	case x.Found.Low > 0 && x.High < half*x.Found.Share():
		x.Finding = Refuted
	case x.Low > half*x.Found.Share():
		x.Finding = Partly
	case x.Found.K == 0 && x.Fixed.K == 0:
		x.Finding = NotShown
	default:
		x.Open = true
		x.Reason = fmt.Sprintf("it is not sure whether half of the %s are gone: of %d and %d requests, %d and %d are left",
			x.Metric, x.Found.N, x.Fixed.N, x.Found.K, x.Fixed.K)
	}
}

// String says it in one line: the finding, both shares, their difference, and what the fix costs.
func (x Experiment) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s -> %s, less by %.1f points (95 %% interval %.1f to %.1f)", x.Finding, x.Metric, x.Found, x.Fixed,
		100*x.Less, 100*x.Low, 100*x.High)
	was, is := x.Found.Costs, x.Fixed.Costs
	fmt.Fprintf(&b, "; connections per request %.2f -> %.2f, attempts %.2f -> %.2f, executed twice %d -> %d, p99 %s -> %s",
		was.Connections, is.Connections, was.Attempts, is.Attempts, was.Duplicates, is.Duplicates, Took(was.Tail), Took(is.Tail))
	fmt.Fprintf(&b, "; without the faults %s, straight at the backend %s", x.Quiet, x.Straight)
	if x.Phi > bursty {
		fmt.Fprintf(&b, "; rounds vary %.1f times as much as chance", x.Phi)
	}
	if x.Reason != "" {
		b.WriteString("; " + x.Reason)
	}
	return b.String()
}

// String is the share in words.
func (a Arm) String() string {
	if a.N == 0 {
		return "of nothing"
	}
	return fmt.Sprintf("%s (%d of %d)", percent(a.Share()), a.K, a.N)
}

// Took is how long answers took in words, "none" where there was no good one.
func Took(d time.Duration) string {
	if d == 0 {
		return "none"
	}
	return d.Round(100 * time.Microsecond).String()
}

func (a Arm) estimate() stats.Estimate {
	return stats.Estimate{Value: a.Share(), Interval: stats.Interval{Low: a.Low, High: a.High}}
}

// in is the share in another phase.
func (s Share) in(phase record.Phase) Share {
	s.phase = phase
	return s
}

// measure puts an arm into numbers.
func measure(of Share, e Evidence, varies stats.Dispersion) Arm {
	v, t := of.tally(e, "")
	share := t.allowing(varies)
	return Arm{K: v.K, N: v.N, Low: share.Low, High: share.High, Outcomes: v.Outcomes, Witness: v.Witness, Costs: e.Costs()}
}

// bursty is from where on it is worth telling.
const bursty = 2

// parts is into how many parts each run is cut: what the schedule makes differ from one to the next must not be taken for
// chance, and a burst shorter than a part is one.
const parts = 10

// dispersion is how much the rounds of the arms vary, each part of an arm's schedule compared with itself alone. Where
// connections are the unit, they show it.
func dispersion(of Share, arms ...Evidence) stats.Dispersion {
	var things [][][]stats.Count
	for _, arm := range arms {
		if arm.units(of.phase).connections {
			return stats.Dispersion{}
		}
		rounds := make([][]stats.Count, parts)
		for _, run := range of.runs(arm) {
			for part, count := range inParts(run) {
				rounds[part] = append(rounds[part], count)
			}
		}
		things = append(things, rounds)
	}
	return stats.DispersionInParts(things...)
}

func inParts(run []bool) [parts]stats.Count {
	var counts [parts]stats.Count
	for i, counted := range run {
		count := &counts[i*parts/len(run)]
		count.N++
		if counted {
			count.K++
		}
	}
	return counts
}

// runs says, for each run, which of the requests count, in the order in which they were due.
func (s Share) runs(e Evidence) [][]bool {
	runs := make([][]record.Exchange, e.taken())
	in, _ := e.exchanges(s.phase)
	for look, x := range in {
		if s.keeps(x) {
			runs[look] = append(runs[look], x)
		}
	}
	all := make([][]bool, len(runs))
	for n, run := range runs {
		slices.SortStableFunc(run, func(a, b record.Exchange) int { return cmp.Compare(a.Due, b.Due) })
		for _, x := range run {
			all[n] = append(all[n], s.counts(x))
		}
	}
	return all
}

// Costs measures what the run cost.
func (e Evidence) Costs() Costs {
	whole := record.Phase{}
	c := Costs{
		Attempts:    AttemptsPerRequest(whole).AtMost(1).Judge(e).Value,
		Connections: ConnectionsPerRequest(whole).AtMost(1).Judge(e).Value,
		Duplicates:  twiceDone().AtMost(1).Judge(e).K,
	}
	took := make([]time.Duration, 0, e.requests())
	in, _ := e.exchanges(whole)
	for _, x := range in {
		if answered.keep(x) {
			took = append(took, x.Done-x.Due)
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		c.Median, c.Tail = quantileOf(took, 0.5), quantileOf(took, 0.99)
	}
	return c
}

// requests is how many there are, at all looks.
func (e Evidence) requests() int {
	n := 0
	for _, look := range e.Looks() {
		n += len(look.Exchanges)
	}
	return n
}

// twiceDone is the share of the requests that must not be executed twice and were.
func twiceDone() Share {
	idempotent := []string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}
	return DuplicateExecutions(record.Phase{}).Where(Filter{"methods that are not idempotent", func(e record.Exchange) bool {
		return !slices.Contains(idempotent, e.Method)
	}})
}

// lessTwice is by how much that share is less with the fix.
func lessTwice(found, fixed Evidence) stats.Estimate {
	of := twiceDone()
	varies := dispersion(of, found, fixed)
	_, before := of.tally(found, "")
	_, after := of.tally(fixed, "")
	return before.allowing(varies).Less(after.allowing(varies))
}

// allowing is the share, as far as rounds that vary so let it be known; of no requests it is zero for certain.
func (t *tallied) allowing(varies stats.Dispersion) stats.Estimate {
	switch {
	case t.N == 0:
		return stats.Estimate{}
	case t.connections: // whose groups are in the interval already
		return stats.Estimate{Value: t.Share(), Interval: t.interval()}
	default:
		return varies.Estimate(t.Count, t.level)
	}
}

// doubtOfArm is the first doubt about a run of the arm.
func doubtOfArm(name string, e Evidence, doubt func(Evidence) Verdict) string {
	for n, run := range e.Looks() {
		if v := doubt(run); v.Reason != "" {
			return fmt.Sprintf("run %d %s: %s", n+1, name, v.Reason)
		}
	}
	return ""
}

// doubtOfFixed leaves out that a fault touched nothing: that it cannot any more may be what the fix does. As found it did,
// with the same load.
func doubtOfFixed(e Evidence) Verdict { return firstDoubt(e, contradiction, unpunctual) }
