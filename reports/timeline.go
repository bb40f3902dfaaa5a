package reports

import (
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

// Timeline counts what became of the requests that were sent in each step of time. Every slice has an entry for each step.
type Timeline struct {
	// From is when the first step begins on the run's clock, Step how long each is, in nanoseconds.
	From time.Duration `json:"from"`
	Step time.Duration `json:"step"`
	// Outcomes counts statuses and outcomes.
	Outcomes map[string][]int `json:"outcomes"`
	// Failed counts those that a user would call failed.
	Failed []int `json:"failed"`
	// Median and Worst are how long the answers of the step took since they were due, in microseconds; 0 where there was none.
	Median []int64 `json:"median"`
	Worst  []int64 `json:"worst"`
}

// A picture has room for so many steps, and says little of steps with fewer requests in them.
const (
	mostSteps  = 120
	leastSteps = 12
	perStep    = 10
)

// steps are the lengths a step may have, so that ticks fall on round numbers.
var steps = []time.Duration{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 60_000, 120_000, 300_000, 600_000}

// NewTimeline counts those of the last look; nil if it sent nothing.
func NewTimeline(e expect.Evidence) *Timeline {
	sent, first, last := 0, time.Duration(0), time.Duration(0)
	for x := range sentOf(e) {
		if sent == 0 {
			first, last = x.Sent, x.Sent
		}
		sent++
		first, last = min(first, x.Sent), max(last, x.Sent)
	}
	if sent == 0 {
		return nil
	}
	step := stepFor(last-first, sent)
	t := &Timeline{From: first / step * step, Step: step, Outcomes: map[string][]int{}}
	n := int((last-t.From)/step) + 1
	t.Failed, t.Median, t.Worst = make([]int, n), make([]int64, n), make([]int64, n)
	total := make([]int, n)
	inStep := func(x record.Exchange) int { return int((x.Sent - t.From) / step) }
	for x := range sentOf(e) {
		at := inStep(x)
		counts := t.Outcomes[x.Label()]
		if counts == nil {
			counts = make([]int, n)
			t.Outcomes[x.Label()] = counts
		}
		counts[at]++
		if x.Failed() {
			t.Failed[at]++
		}
		total[at]++
	}
	all := make([]int64, 0, sent) // of one step behind those of another: there may be a million
	took := make([][]int64, n)
	for at, k := range total {
		took[at], all = all[len(all):len(all):len(all)+k], all[:len(all)+k]
	}
	for x := range sentOf(e) {
		at := inStep(x)
		took[at] = append(took[at], (x.Done - x.Due).Microseconds())
	}
	for at, of := range took {
		if len(of) > 0 {
			slices.Sort(of)
			t.Median[at], t.Worst[at] = of[len(of)/2], of[len(of)-1]
		}
	}
	return t
}

// check finds a timeline that cannot be drawn.
func (t *Timeline) check() error {
	if t == nil {
		return nil
	}
	n := len(t.Failed)
	bad := n > 10*mostSteps || t.Step <= 0 || t.Step > 1000*time.Hour || t.From < 0 || t.From > 1000*time.Hour || len(t.Median) != n || len(t.Worst) != n
	for outcome, counts := range t.Outcomes {
		bad = bad || outcome == "" || len(counts) != n
	}
	if bad {
		return errors.New("the columns of the timeline do not fit each other")
	}
	return nil
}

// sentOf goes through what was sent at all.
func sentOf(e expect.Evidence) iter.Seq[record.Exchange] {
	return func(yield func(record.Exchange) bool) {
		for _, x := range e.Exchanges {
			if x.Outcome != record.Dropped && !yield(x) {
				return
			}
		}
	}
}

// stepFor is the shortest round step that leaves a picture of so many requests readable.
func stepFor(span time.Duration, requests int) time.Duration {
	most := time.Duration(min(max(requests/perStep, leastSteps), mostSteps))
	for _, ms := range steps {
		if step := ms * time.Millisecond; span/step < most-1 {
			return step
		}
	}
	return (span/most/time.Hour + 1) * time.Hour
}
