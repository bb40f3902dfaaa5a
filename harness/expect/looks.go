package expect

import (
	"fmt"
	"slices"

	"github.com/badgateway/badgateway/harness/stats"
)

// Looks says, in a verdict, how often was looked.
//
// A scenario may be run again when a promise is undecided for want of requests, as often as was said before the first run.
// Each run is a look at all of the evidence so far, and the rule of stats.Looks keeps that from being a retry:
//
//	share, mean, latency, at most    judged at each look, over all requests so far, at the stricter level of each look; the
//	                                 first look that decides is the last for that promise, whatever later ones would say
//	none, and how long it goes on    one counter-example breaks them at whatever look, and so says no interval; where there
//	                                 is none, they are kept by enough requests of all looks, more of them at the stricter level
//	invariants                       as none
//
// A latency is judged as the share of what takes longer, so its rule is that of shares. The rule asks no more of an interval
// than that it misses as rarely as its level says: the errors of all looks then add up to those of one look at 95 % at most,
// however the looks depend on each other, and whatever ends the run early. So it holds for means as well, as far as their
// intervals do: those of a few dozen skewed values miss on one side a little more often than they say, with one look or with
// several (stats.Sample).
type Looks struct {
	// Taken is how many looks the verdict rests on, Most how many there may be.
	Taken int `json:"taken"`
	Most  int `json:"most"`
	// Level is that of each look, as a share: 0.99 for five, where the whole is to be 0.95.
	Level float64 `json:"level"`
	// Undecided says that more requests could decide what these could not.
	Undecided bool `json:"undecided,omitempty"`
}

// String says it in words.
func (l Looks) String() string {
	looks := "looks"
	if l.Taken == 1 {
		looks = "look"
	}
	return fmt.Sprintf("%d %s taken of at most %d, each at %s", l.Taken, looks, l.Most, levelInWords(stats.Level(l.Level)))
}

func levelInWords(l stats.Level) string { return fmt.Sprintf("%.3g %%", 100*float64(l)) }

// Looks is the evidence of each look by itself, from the first.
func (e Evidence) Looks() []Evidence {
	last := e
	last.Before, last.Most = nil, 0
	return append(append([]Evidence{}, e.Before...), last)
}

// upTo is the evidence as it was at a look, from 1.
func (e Evidence) upTo(look int) Evidence {
	at := e.Looks()[look-1]
	at.Before, at.Most = e.Before[:look-1:look-1], e.most()
	return at
}

func (e Evidence) most() int { return max(e.Most, len(e.Before)+1) }

// level is the confidence of every interval: 95 %, or that of each look.
func (e Evidence) level() stats.Level {
	most := e.most()
	if e.Together { // what went before are rounds of the same look
		most = max(e.Most, 1)
	}
	return stats.Looks{Most: most, Level: stats.Confidence95}.Each()
}

// fewest is the smallest number of requests, or connections, that None judges: none among fewer would allow a share of 1 in
// 10. At 95 % it is 29.
func (e Evidence) fewest() int { return stats.Count{}.Needed(0.1, e.level()).Trials }

// decide judges a promise at one look after the other. The doubts are those at each look.
func (e Evidence) decide(x Expectation, doubts []Verdict, known []Deviation) Verdict {
	first := 1
	if !decidedByIntervals(x) {
		first = e.taken()
	}
	var v Verdict
	for look := first; look <= e.taken(); look++ {
		v = e.upTo(look).judge(x, doubts[look-1], known)
		if v.Ruling != Inconclusive {
			break
		}
	}
	return v
}

// doubts are those at each look. What was in doubt once stays so, since its evidence is judged on.
func (e Evidence) doubts() []Verdict {
	doubts := make([]Verdict, e.taken())
	for n, look := range e.Looks() {
		doubts[n] = Doubt(look)
		if e.most() > 1 && doubts[n].Reason != "" {
			doubts[n].Reason = fmt.Sprintf("look %d: %s", n+1, doubts[n].Reason)
		}
		if n > 0 && doubts[n-1].Reason != "" && doubts[n].Ruling != Error {
			doubts[n] = doubts[n-1]
		}
	}
	return doubts
}

func (e Evidence) taken() int { return len(e.Before) + 1 }

// judge judges a promise at the last look.
func (e Evidence) judge(x Expectation, doubt Verdict, known []Deviation) Verdict {
	v := x.Judge(e)
	if doubt.Reason != "" {
		v.Ruling, v.Reason = doubt.Ruling, doubt.Reason
	}
	_, waives := x.(waiver)
	// What passes a looser bound than the scenario's may be what is known all the same.
	if loosened := v.By != "" && v.Ruling == Pass; !waives && !loosened {
		v = recognise(v, known)
	}
	v = e.sayLooks(v)
	if v.Looks != nil { // without a request there is more in the way than their number
		v.Looks.Undecided = v.Ruling == Inconclusive && doubt.Reason == "" && v.N > 0
	}
	return v
}

// sayLooks says in a verdict how many looks it rests on, where there may be several.
func (e Evidence) sayLooks(v Verdict) Verdict {
	if e.most() == 1 {
		return v
	}
	v.Looks = &Looks{Taken: e.taken(), Most: e.most(), Level: float64(e.level())}
	for _, words := range []*string{&v.Reason, &v.Measured} {
		if *words != "" {
			*words += "; " + v.Looks.String()
		}
	}
	return v
}

// Extensible reports whether more requests could ever decide one of the promises.
func (all All) Extensible() bool {
	return slices.ContainsFunc(all, func(x Expectation) bool {
		_, waives := x.(waiver)
		return x != nil && !waives
	})
}

// decidedByIntervals reports whether a promise may look kept or broken by chance.
func decidedByIntervals(x Expectation) bool {
	if r, is := x.(rebound); is {
		x = r.Expectation
	}
	switch x.(type) {
	case atMost, meanAtMost, latencyAtMost:
		return true
	default:
		return false
	}
}

// More reports whether another look may be taken: one is left, some promise is undecided for want of requests, and nothing
// is broken already, by which the scenario is decided.
func More(verdicts []Verdict) bool {
	more := false
	for _, v := range verdicts {
		if v.Ruling == Fail || v.Ruling == Error {
			return false
		}
		more = more || v.Looks != nil && v.Looks.Undecided && v.Looks.Taken < v.Looks.Most
	}
	return more
}
