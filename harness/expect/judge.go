package expect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/badgateway/badgateway/harness/record"
)

// Deviation is one entry of a gateway's known.yaml that applies to this scenario at this version.
type Deviation struct {
	Metric   string
	Outcomes []string // what its failures look like
	// Untouched says that requests which no fault touched fail too; otherwise such failures are not the known ones.
	Untouched bool
	// Sometimes says that a run may meet it or not.
	Sometimes bool
	Happens   string
	Why       string
}

// Judge judges every expectation, and the invariants that hold for every gateway in every scenario. Doubts about the
// run itself come first: where there is one, no expectation is green or red. Of several looks, see Looks.
func Judge(all All, e Evidence, known []Deviation) []Verdict {
	doubts := e.doubts()
	verdicts := make([]Verdict, 0, len(all)+len(invariants))
	for _, expectation := range all {
		verdicts = append(verdicts, e.decide(expectation, doubts, known))
	}
	for _, invariant := range invariants {
		if all.waived(invariant.metric) {
			continue
		}
		v := invariant.Judge(e)
		doubt := doubts[len(doubts)-1]
		switch {
		case v.Ruling == Fail && doubt.Ruling == Error: // facts that contradict each other prove nothing against the gateway
			v.Ruling, v.Reason = doubt.Ruling, doubt.Reason
		case v.Ruling == Fail, v.Ruling == Pass && isChance(known, v.Metric):
		default:
			continue
		}
		verdicts = append(verdicts, e.sayLooks(recognise(v, known)))
	}
	return verdicts
}

// isChance reports whether it is known to be a matter of chance that the promise is broken. What a scenario comes to must not be.
func isChance(known []Deviation, metric string) bool {
	return slices.ContainsFunc(known, func(k Deviation) bool { return k.Metric == metric && k.Sometimes })
}

// recognise turns a failure that is known into Known, and a pass where a failure is known into KnownGone, unless it is known
// to be a matter of chance. A failure whose outcomes are not all among those written down, or that hits requests which met
// no fault, is another failure.
func recognise(v Verdict, known []Deviation) Verdict {
	for _, k := range known {
		if k.Metric != v.Metric {
			continue
		}
		switch v.Ruling {
		case Pass:
			v.Ruling, v.Reason = KnownGone, "known.yaml says: "+k.Happens+"; it did not happen"
			if k.Sometimes {
				v.Ruling, v.Reason = Known, "known.yaml says that sometimes "+k.Happens+"; it did not happen this time"
			}
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

// invariants hold for every gateway in every scenario that does not waive them; only their failures are reported, and those that
// are known to happen sometimes.
var invariants = []none{
	invariant("crossed answers", func(e record.Exchange) bool { return e.Outcome == record.Crossed }),
	invariant("corrupt answers", func(e record.Exchange) bool { return e.Outcome == record.Corrupt }),
	invariant("truncated answers that end cleanly", func(e record.Exchange) bool {
		return e.Outcome == record.Truncated && strings.HasPrefix(e.Detail, "ended cleanly")
	}),
	// A 5xx is a failure anyway; anything else that the gateway made up looks like the backend's word, unless it is the
	// client that is told off.
	invariant("answers that no backend gave", func(e record.Exchange) bool {
		toldOff := e.Injection != "" && e.Status >= 400
		return e.Outcome == record.Complete && e.Status < 500 && !e.Answered() && !toldOff
	}),
	// A client that is slow on purpose may not be done when the run has to end.
	invariant("hangs", func(e record.Exchange) bool { return e.Outcome == record.Hung && e.Injection == "" }),
	invariant("corrupt arrivals", func(e record.Exchange) bool {
		return slices.ContainsFunc(e.Arrivals, func(a record.Arrival) bool { return a.Action == record.Answered && !a.Intact })
	}),
}

func invariant(metric string, broken func(record.Exchange) bool) none {
	return none{Share{metric: metric, counts: broken}}
}

// Doubt says why the run itself cannot be trusted; a zero verdict when it can. Facts that contradict each other are the
// harness's error; everything else leaves the run inconclusive. It is about the last look.
func Doubt(e Evidence) Verdict { return firstDoubt(e, contradiction, idleFault, unpunctual) }

func firstDoubt(e Evidence, checks ...func(Evidence) Verdict) Verdict {
	for _, check := range checks {
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
	touched := map[touch]int{}
	for _, x := range e.Exchanges {
		if x.Injection != "" {
			touched[touch{x.Injection, client}]++
		}
		if x.Backend != "" && x.Outcome == record.Complete && x.Attempts() == 0 {
			return broken("request %s was answered by %s, whose journal does not have it", x.ID, x.Backend)
		}
		for i := range x.Arrivals {
			if a := &x.Arrivals[i]; a.Injection != "" {
				touched[touch{a.Injection, a.Backend}]++
			}
		}
	}
	for _, i := range e.Injections {
		if i.Error != "" {
			return broken("fault %s: %s", i.ID, i.Error)
		}
		for _, r := range i.Receipts {
			of := touch{i.ID, r.Replica}
			if n := touched[of]; n != r.Requests {
				return broken("fault %s: the receipt of %s says %d requests, its journal %d", i.ID, r.Replica, r.Requests, n)
			}
			delete(touched, of)
		}
	}
	if len(touched) > 0 {
		left := slices.MinFunc(slices.Collect(maps.Keys(touched)), touch.compare)
		return broken("the journals have %d requests touched by %s on %s, and no receipt does", touched[left], left.injection, left.on)
	}
	if gap := missing(e); gap != "" {
		return broken("%s", gap)
	}
	return Verdict{}
}

// touch names what receipts and journals both count: requests that an injection touched on a replica, or on the client.
type touch struct{ injection, on string }

func (t touch) compare(other touch) int {
	return cmp.Or(strings.Compare(t.injection, other.injection), strings.Compare(t.on, other.on))
}

// missing finds a gap in the numbers that each backend gave its arrivals.
func missing(e Evidence) string {
	type journal struct {
		backend string
		life    int32
	}
	type seen struct{ count, last int32 }
	journals := map[journal]*seen{}
	for _, x := range e.Exchanges {
		for i := range x.Arrivals {
			a := &x.Arrivals[i]
			of := journals[journal{a.Backend, a.Life}]
			if of == nil {
				of = &seen{}
				journals[journal{a.Backend, a.Life}] = of
			}
			of.count++
			of.last = max(of.last, a.Sequence)
		}
	}
	for of, n := range journals {
		if n.count != n.last {
			return fmt.Sprintf("the journal of %s counts %d arrivals, and there are records of %d", of.backend, n.last, n.count)
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
