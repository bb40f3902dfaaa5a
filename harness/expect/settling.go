package expect

import (
	"fmt"
	"slices"
	"time"

	"github.com/badgateway/badgateway/harness/record"
)

// Settling is how long something goes on after a fault was applied or lifted: from then until the last request of the
// phase that it is true of was sent.
type Settling struct {
	share Share
}

// Recovery is how long requests go on failing after the window's fault was lifted: until then nothing is steady. Give it
// the window's After(0).
func Recovery(after record.Phase) Settling {
	return Settling{Share{metric: "time to recover", phase: after, counts: func(e record.Exchange) bool { return e.Failed() }}}
}

// Ejection is how long requests go on meeting the window's fault after it was applied: until the gateway leaves the broken
// replica alone. Give it the window's During().
func Ejection(during record.Phase) Settling {
	return Settling{Share{metric: "time to eject", phase: during, counts: func(e record.Exchange) bool {
		return e.Injection == during.Window ||
			slices.ContainsFunc(e.Arrivals, func(a record.Arrival) bool { return a.Injection == during.Window })
	}}}
}

// Pinning is how long requests go on reaching the first life of a replica after another one was listed in its place: on
// connections of either side that outlive the list. Give it the During() of a window that replaces that replica.
func Pinning(replica string, during record.Phase) Settling {
	return Settling{Share{metric: "time to let go", phase: during, counts: func(e record.Exchange) bool {
		return slices.ContainsFunc(e.Arrivals, func(a record.Arrival) bool { return a.Backend == replica && a.Life <= 1 })
	}}}
}

// Where limits the requests that are looked at.
func (s Settling) Where(only ...Filter) Settling { return Settling{s.share.Where(only...)} }

// Within promises that it is over after that long. The promise needs enough requests after it to be seen to hold.
func (s Settling) Within(bound time.Duration) Expectation { return within{s.share, bound} }

type within struct {
	share Share
	bound time.Duration
}

var _ Expectation = within{}

func (x within) Phase() record.Phase { return x.share.phase }

func (x within) Validate() error {
	if x.bound <= 0 {
		return fmt.Errorf("%s: within %s: want a positive time", x.share.name(), x.bound)
	}
	if p := x.share.phase.Part; p != record.During && p != record.After {
		return fmt.Errorf("%s: want the phase during a window, or after it", x.share.name())
	}
	return nil
}

func (x within) Judge(e Evidence) Verdict {
	v := Verdict{
		Metric: x.share.metric, Promise: fmt.Sprintf("%s: within %s", x.share.name(), x.bound),
		Bound: x.bound.Seconds(), Outcomes: map[string]int{},
	}
	in, opened := e.exchanges(x.share.phase)
	if !opened {
		v.Reason = "the fault of this phase was never applied"
		return v
	}
	began, last := e.began(x.share.phase), time.Duration(0)
	for look, exchange := range in {
		if !x.share.keeps(exchange) {
			continue
		}
		since, counts := exchange.Sent-began[look], x.share.counts(exchange)
		if counts {
			last = max(last, since)
		}
		if since <= x.bound {
			continue
		}
		v.N++
		if counts {
			v.K++
			if !exchange.Touched() {
				v.Untouched++
			}
			v.Outcomes[exchange.Label()]++
			v.testify(exchange)
		}
	}
	v.Value = last.Seconds()
	v.Measured = fmt.Sprintf("%s (%d requests were sent after %s)", last.Round(time.Millisecond), v.N, x.bound)
	switch {
	case v.K > 0:
		v.Ruling, v.Reason = Fail, fmt.Sprintf("want it over within %s, got %s", x.bound, v.Measured)
	case v.N < e.fewest():
		v.Reason = fmt.Sprintf("%d requests were sent after %s, at least %d are needed to judge", v.N, x.bound, e.fewest())
	default:
		v.Ruling = Pass
	}
	return v
}

// began is when the phase began at each look: when its window's fault was in force, or no more.
func (e Evidence) began(p record.Phase) []time.Duration {
	var began []time.Duration
	for _, look := range e.Looks() {
		switch window, _ := look.window(p); p.Part {
		case record.During:
			began = append(began, window.Applied.End)
		case record.After:
			began = append(began, window.Lifted.End)
		default:
			began = append(began, 0)
		}
	}
	return began
}
