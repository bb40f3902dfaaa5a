package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

// resultShown is what result.html.tmpl shows.
type resultShown struct {
	mark
	ID, Scenario, On, Brief, Find string
	Open                          bool
	Promises                      []promiseShown
	Arms                          []armShown
	Picture                       *picture
	Numbers, Given                []named
	Stories                       []story
	Log                           []string
	Repeat, Replay                string
	Config                        []File
}

type named struct{ Name, Value string }

type promiseShown struct {
	mark
	Promise, Measured, Reason string
	Bar                       *bar
}

type armShown struct{ Name, Share, Outcomes, Connections, Attempts, Twice, Tail string }

func newResultShown(r Result) resultShown {
	s := resultShown{
		mark: r.mark(), ID: r.anchor(), Scenario: r.Scenario, On: "on " + r.on(), Brief: r.brief(),
		Find:    strings.Join([]string{r.Scenario, r.on(), r.Word(), Outcomes(r.Summary.Outcomes)}, " "),
		Picture: newPicture(r.Timeline, r.Summary), Numbers: r.numbers(), Given: r.given(),
		Log: r.Log, Repeat: r.Repeat, Replay: r.Replay, Config: r.Config,
	}
	for _, v := range r.Verdicts {
		s.Promises = append(s.Promises, promiseShown{
			mark: marks[v.Ruling.String()], Promise: v.Promise, Measured: v.Measured, Reason: v.Reason, Bar: newBar(v),
		})
		if v.Witness != nil {
			s.Stories = append(s.Stories, newStory(v))
		}
	}
	if x := r.Experiment; x != nil {
		s.Arms = []armShown{
			newArmShown("as found", x.Found), newArmShown("with the fix", x.Fixed),
			newArmShown("without the faults", x.Quiet), newArmShown("without the gateway", x.Straight),
		}
	}
	return s
}

func newArmShown(name string, a expect.Arm) armShown {
	return armShown{
		name, a.String(), Outcomes(a.Outcomes), fmt.Sprintf("%.2f", a.Connections), fmt.Sprintf("%.2f", a.Attempts),
		strconv.Itoa(a.Duplicates), expect.Took(a.Tail),
	}
}

// numbers are what is known of the run besides its promises.
func (r Result) numbers() []named {
	s := r.Summary
	all := []named{{"outcomes", Outcomes(s.Outcomes)}, {"attempts per request", fmt.Sprintf("%.2f%s", s.Attempts, distribution(s.Distribution))}}
	if s.Touched > 0 {
		all = append(all, named{"touched by a fault", fmt.Sprintf("%d, of which %d failed, at %.2f attempts", s.Touched, s.TouchedFailures, s.TouchedAttempts)})
	}
	if !r.withoutCosts() {
		all = append(all, named{"connections per request", fmt.Sprintf("%.2f", s.Costs.Connections)},
			named{"good answers", fmt.Sprintf("p50 %s, p99 %s", expect.Took(s.Costs.Median), expect.Took(s.Costs.Tail))})
	}
	if s.Costs.Duplicates > 0 {
		all = append(all, named{"executed more than once", fmt.Sprintf("%d requests that are not idempotent", s.Costs.Duplicates)})
	}
	if len(s.Booked) > 0 {
		all = append(all, named{"told", Outcomes(s.Booked)})
	}
	for _, w := range s.Windows {
		if w.After > 0 {
			all = append(all, named{"after " + w.ID, recovery(w)})
		}
	}
	for _, receipt := range s.Receipts {
		all = append(all, named{"receipt", receipt})
	}
	return all
}

func recovery(w Window) string {
	if w.Failing == 0 {
		return fmt.Sprintf("none of %d requests failed", w.After)
	}
	return fmt.Sprintf("of %d requests the last that failed was sent %.3f s after it was lifted", w.After, w.Failing)
}

// distribution says how many requests had how many arrivals, unless all had one.
func distribution(counts map[int]int) string {
	if len(counts) == 0 || len(counts) == 1 && counts[1] > 0 {
		return ""
	}
	var words []string
	for _, n := range sortedKeys(counts) {
		words = append(words, fmt.Sprintf("%d x %d", n, counts[n]))
	}
	return " (arrivals x requests: " + strings.Join(words, ", ") + ")"
}

func sortedKeys(counts map[int]int) []int {
	keys := make([]int, 0, len(counts))
	for n := range counts {
		keys = append(keys, n)
	}
	slices.Sort(keys)
	return keys
}

// given is what was asked for, and where it ran.
func (r Result) given() []named {
	c := r.Case
	if c == nil {
		return nil
	}
	all := []named{{"backends", c.Backends}, {"policy", cmp.Or(c.Policy, "the gateway's own defaults")}}
	if c.Front != "" {
		all = append(all, named{"gateway in front", c.Front})
	}
	all = append(all, named{"load", c.Load})
	gateway := r.on()
	if c.Image != "" {
		gateway += ", image " + c.Image
	}
	if c.How != "" {
		gateway += ", " + c.How
	}
	all = append(all, named{"gateway", gateway}, named{"lab", c.Lab + ", reached by " + c.Reach},
		named{"seed", fmt.Sprintf("%d (of the schedule: %d)", c.Seed, c.ScheduleSeed)}, named{"began", c.Began.Format(time.RFC3339)})
	if c.Retaken != "" {
		all = append(all, named{"taken again, since", c.Retaken})
	}
	if r.Replay != "" {
		all = append(all, named{"facts", r.Dir})
	}
	return all
}

// bar draws an interval and its bound, in thousandths of its scale.
type bar struct {
	Low, Width, Value, Bound int
	Bounded                  bool
	From, To, Words          string
}

// newBar is nil where there is no interval to be drawn.
func newBar(v expect.Verdict) *bar {
	most := max(v.High, v.Value, v.Bound)
	share := v.N > 0 && v.Value == float64(v.K)/float64(v.N)
	if v.N == 0 || v.Low == v.High || v.Low < 0 || most <= 0 || math.IsInf(most, 0) || math.IsNaN(most) {
		return nil
	}
	if most *= 1.1; share {
		most = min(most, 1)
	}
	at := func(x float64) int { return int(math.Round(996 * max(0, x) / most)) }
	b := &bar{
		Low: at(v.Low), Width: max(2, at(v.High)-at(v.Low)), Value: at(v.Value), Bound: at(v.Bound), Bounded: v.Bound > 0,
		From: "0", To: strconv.FormatFloat(most, 'g', 3, 64),
	}
	if share {
		b.From, b.To = "0 %", strconv.FormatFloat(100*most, 'g', 3, 64)+" %"
	}
	b.Words = fmt.Sprintf("interval from %.3g to %.3g, measured %.3g, bound %.3g", v.Low, v.High, v.Value, v.Bound)
	return b
}

// story is what happened to one exchange, in the order of time.
type story struct {
	Title  string
	Events []event
}

type event struct {
	at                          time.Duration
	At, Since, Who, What, Class string
}

func newStory(v expect.Verdict) story {
	x := v.Witness
	s := story{Title: fmt.Sprintf("%s %s, request %s, against “%s”", x.Method, x.Path, x.ID, v.Promise)}
	add := func(at time.Duration, fault bool, who, format string, args ...any) {
		class := ""
		if fault {
			class = "fault"
		}
		s.Events = append(s.Events, event{
			at: at, At: fmt.Sprintf("%.4f", at.Seconds()), Since: fmt.Sprintf("%+.1f ms", float64((at-x.Sent).Microseconds())/1000),
			Who: who, What: fmt.Sprintf(format, args...), Class: class,
		})
	}
	add(x.Due, false, "client", "is due to send it")
	if x.Connected > 0 {
		add(x.Connected, false, "client", "has opened connection %d", x.Connection)
	}
	add(x.Sent, x.Injection != "", "client", "sends it on connection %d, the request %d on it%s", x.Connection, x.Position, by(x.Injection))
	for _, a := range x.Arrivals {
		idle := ""
		if a.Idle > 0 {
			idle = fmt.Sprintf(", idle for %s", a.Idle.Round(10*time.Microsecond))
		}
		add(a.At, false, a.Backend, "has read it on connection %d, the request %d on it%s", a.Connection, a.Position, idle)
		add(max(a.Done, a.At), a.Injection != "", a.Backend, "%s", ending(a))
	}
	if x.FirstByte > 0 {
		add(x.FirstByte, false, "client", "gets the first byte of an answer")
	}
	add(x.Done, false, "client", "%s", outcomeInWords(x))
	slices.SortStableFunc(s.Events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return s
}

// outcomeInWords is what the client saw in the end.
func outcomeInWords(x *record.Exchange) string {
	what := "is told " + x.Label()
	if x.Outcome != record.Complete {
		what = "sees it " + x.Label()
	}
	if x.Backend != "" {
		what += " by " + x.Backend
	}
	if x.Detail != "" {
		what += " (" + x.Detail + ")"
	}
	return what
}

// ending is what a backend did with an arrival.
func ending(a record.Arrival) string {
	what := string(a.Action)
	if a.Status > 0 {
		what += fmt.Sprintf(" %d", a.Status)
	}
	if a.Executed {
		what += ", work done"
	}
	if a.Detail != "" {
		what += " (" + a.Detail + ")"
	}
	return what + by(a.Injection)
}

func by(injection string) string {
	if injection == "" {
		return ""
	}
	return ", by " + injection
}
