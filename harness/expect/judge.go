package expect

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/badgateway/badgateway/harness/record"
)

// Deviation is one entry of a gateway's known.yaml that applies to this scenario at this version.
type Deviation struct {
	Metric   string
	Outcomes []string // what its failures look like
	// Untouched says that requests which no fault touched fail too; otherwise such failures are not the known ones.
	Untouched bool
	Happens   string
	Why       string
}

// Judge judges every expectation, and the invariants that hold for every gateway in every scenario. Doubts about the
// run itself come first: where there is one, no expectation is green or red.
func Judge(all All, e Evidence, known []Deviation) []Verdict {
	doubt := Doubt(e)
	verdicts := make([]Verdict, 0, len(all)+len(invariants))
	for _, expectation := range all {
		v := expectation.Judge(e)
		if doubt.Reason != "" {
			v.Ruling, v.Reason = doubt.Ruling, doubt.Reason
		}
		verdicts = append(verdicts, recognise(v, known))
	}
	for _, invariant := range invariants {
		if v := invariant.Judge(e); v.Ruling == Fail {
			if doubt.Ruling == Error { // facts that contradict each other prove nothing against the gateway
				v.Ruling, v.Reason = doubt.Ruling, doubt.Reason
			}
			verdicts = append(verdicts, recognise(v, known))
		}
	}
	return verdicts
}

// recognise turns a failure that is known into Known, and a pass where a failure is known into KnownGone. A failure whose
// outcomes are not all among those written down, or that hits requests which met no fault, is another failure.
func recognise(v Verdict, known []Deviation) Verdict {
	for _, k := range known {
		if k.Metric != v.Metric {
			continue
		}
		switch v.Ruling {
		case Pass:
			v.Ruling, v.Reason = KnownGone, "known.yaml says: "+k.Happens+"; it did not happen"
		case Fail:
			if covers(k.Outcomes, v.Outcomes) && (k.Untouched || v.Untouched == 0) {
				v.Ruling, v.Reason = Known, k.Happens+" ("+v.Reason+"): "+k.Why
			}
		case Inconclusive, Known, KnownGone, Error:
		}
	}
	return v
}

func covers(written []string, seen map[string]int) bool {
	for outcome := range seen {
		found := false
		for _, w := range written {
			found = found || w == outcome
		}
		if !found {
			return false
		}
	}
	return true
}

// invariants hold for every gateway in every scenario; only their failures are reported.
var invariants = All{
	invariant("crossed answers", func(e record.Exchange) bool { return e.Outcome == record.Crossed }),
	invariant("corrupt answers", func(e record.Exchange) bool { return e.Outcome == record.Corrupt }),
	invariant("truncated answers that end cleanly", func(e record.Exchange) bool {
		return e.Outcome == record.Truncated && strings.HasPrefix(e.Detail, "ended cleanly")
	}),
	// A 5xx is a failure anyway; anything else that the gateway made up looks like the backend's word.
	invariant("answers that no backend gave", func(e record.Exchange) bool {
		return e.Outcome == record.Complete && e.Status < 500 && !e.Answered()
	}),
	invariant("hangs", func(e record.Exchange) bool { return e.Outcome == record.Hung }),
	invariant("corrupt arrivals", func(e record.Exchange) bool {
		for _, a := range e.Arrivals {
			if a.Action == record.Answered && !a.Intact {
				return true
			}
		}
		return false
	}),
}

func invariant(metric string, broken func(record.Exchange) bool) Expectation {
	return Share{metric: metric, counts: broken}.None()
}

// Punctual is how late a request may be begun, and lateShare how many may be later, before the client cannot be trusted
// to have sent the load that was asked for.
const (
	Punctual  = 100 * time.Millisecond
	lateShare = 0.01
	// fewLate is how many may be late however few requests there are: one stall of the machine.
	fewLate = 3
)

// Doubt says why the run itself cannot be trusted; a zero verdict when it can. Facts that contradict each other are the
// harness's error; everything else leaves the run inconclusive.
func Doubt(e Evidence) Verdict {
	for _, check := range []func(Evidence) Verdict{contradiction, idleFault, lateness} {
		if v := check(e); v.Reason != "" {
			return v
		}
	}
	return Verdict{}
}

// contradiction compares the receipts with the journals, and the answers with both.
func contradiction(e Evidence) Verdict {
	broken := func(format string, args ...any) Verdict {
		return Verdict{Ruling: Error, Reason: fmt.Sprintf(format, args...)}
	}
	if len(e.Strays) > 0 {
		a := e.Strays[0]
		return broken("%d arrivals belong to no request of this run, the first is %q on %s", len(e.Strays), a.ID, a.Backend)
	}
	if e.Planned != len(e.Exchanges) {
		return broken("%d requests were planned, and there are records of %d", e.Planned, len(e.Exchanges))
	}
	touched := map[string]int{}
	for _, x := range e.Exchanges {
		if x.Backend != "" && x.Outcome == record.Complete && x.Attempts() == 0 {
			return broken("request %s was answered by %s, whose journal does not have it", x.ID, x.Backend)
		}
		for _, a := range x.Arrivals {
			if a.Injection != "" {
				touched[a.Injection+" on "+a.Backend]++
			}
		}
	}
	for _, i := range e.Injections {
		if i.Error != "" {
			return broken("fault %s: %s", i.ID, i.Error)
		}
		for _, r := range i.Receipts {
			if n := touched[i.ID+" on "+r.Replica]; n != r.Requests {
				return broken("fault %s: the receipt of %s says %d requests, its journal %d", i.ID, r.Replica, r.Requests, n)
			}
			delete(touched, i.ID+" on "+r.Replica)
		}
	}
	if left := slices.Sorted(maps.Keys(touched)); len(left) > 0 {
		return broken("the journals have %d requests touched by %s, and no receipt does", touched[left[0]], left[0])
	}
	if gap := missing(e); gap != "" {
		return broken("%s", gap)
	}
	return Verdict{}
}

// missing finds a gap in the numbers that each backend gave its arrivals.
func missing(e Evidence) string {
	count, last := map[string]int{}, map[string]int{}
	for _, x := range e.Exchanges {
		for _, a := range x.Arrivals {
			count[a.Backend]++
			last[a.Backend] = max(last[a.Backend], a.Sequence)
		}
	}
	for backend, n := range count {
		if n != last[backend] {
			return fmt.Sprintf("the journal of %s counts %d arrivals, and there are records of %d", backend, last[backend], n)
		}
	}
	return ""
}

// idleFault finds a fault that neither touched anything nor was given no chance by the gateway.
func idleFault(e Evidence) Verdict {
	for _, i := range e.Injections {
		if !i.Bit() && !i.Prevented() {
			return Verdict{Reason: fmt.Sprintf("fault %s touched nothing: its receipt is empty", i.ID)}
		}
	}
	return Verdict{}
}

func lateness(e Evidence) Verdict {
	late := 0
	var worst time.Duration
	for _, x := range e.Exchanges {
		by := x.Begun - x.Due
		if by > Punctual {
			late++
		}
		worst = max(worst, by)
	}
	if late > fewLate && float64(late) > lateShare*float64(len(e.Exchanges)) {
		return Verdict{Reason: fmt.Sprintf("the client fell behind: %d of %d requests were begun more than %s late, the worst %s; "+
			"the machine is too busy, so run less beside it, or fewer scenarios at once (-parallel=1)",
			late, len(e.Exchanges), Punctual, worst.Round(time.Millisecond))}
	}
	return Verdict{}
}
