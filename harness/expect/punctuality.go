package expect

import (
	"fmt"
	"time"

	"github.com/badgateway/badgateway/harness/record"
)

// Punctual is how late a request may be begun, and lateShare how many may be later, before the client cannot be trusted
// to have sent the load that was asked for.
const (
	Punctual  = 100 * time.Millisecond
	lateShare = 0.01
	// fewLate is how many may be late however few requests there are: one stall of the machine.
	fewLate = 3
)

// Punctuality is how well the client kept to its schedule in one run, whatever the gateway made of it. The zero value has
// seen nothing yet.
type Punctuality struct {
	requests, judged, dropped, late int
	worst                           time.Duration
}

// Saw takes note of a request.
func (p *Punctuality) Saw(q *record.Request) {
	p.requests++
	if q.Outcome == record.Dropped {
		p.dropped++
	}
	if q.Warmup { // which is for the client as well
		return
	}
	p.judged++
	by := q.Begun - q.Due
	if by > Punctual {
		p.late++
	}
	p.worst = max(p.worst, by)
}

// Doubt says why the run cannot be trusted to have sent the load that was asked for; it is empty when it can. Nobody knows
// what would have become of requests that were not sent.
func (p *Punctuality) Doubt() string {
	switch {
	case p.dropped > 0:
		return fmt.Sprintf("the client fell so far behind that %d of %d requests were not sent at all; "+
			"the machine is too busy, or it slept", p.dropped, p.requests)
	case p.late > fewLate && float64(p.late) > lateShare*float64(p.judged):
		return fmt.Sprintf("the client fell behind: %d of %d requests were begun more than %s late, the worst %s; "+
			"the machine is too busy, so run less beside it, or fewer scenarios at once (-parallel=1)",
			p.late, p.judged, Punctual, p.worst.Round(time.Millisecond))
	default:
		return ""
	}
}

func unpunctual(e Evidence) Verdict {
	var p Punctuality
	for _, x := range e.Exchanges {
		p.Saw(x.Request)
	}
	return Verdict{Reason: p.Doubt()}
}
