package expect_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

// good is n requests in good order and no fault.
func good(n int) expect.Evidence {
	e := expect.Evidence{Planned: n}
	for i := range n {
		e.Exchanges = append(e.Exchanges, answered(i+1))
	}
	return e
}

func weigh(found, fixed expect.Evidence) expect.Experiment {
	return expect.Weigh(expect.Failures(whole), found, fixed, good(100), good(100))
}

func TestFindings(t *testing.T) {
	failing := func(k int) expect.Evidence { return broken(run(400), k, 502) }
	for name, test := range map[string]struct {
		found, fixed expect.Evidence
		want         expect.Finding
	}{
		"none is left":                        {failing(80), good(400), expect.Proved},
		"none is left, the fault had no hold": {failing(80), idle(run(400)), expect.Proved},
		"some are left":                       {failing(80), failing(20), expect.Partly},
		"as many are left":                    {failing(80), failing(80), expect.Refuted},
		"a few less are left":                 {failing(300), failing(260), expect.Refuted},
		"more are left":                       {failing(20), failing(80), expect.Harmful},
		"a few more are left":                 {failing(200), failing(250), expect.Refuted},
		"some are left where there were none": {failing(0), failing(20), expect.Harmful},
		"nothing failed before":               {failing(0), good(400), expect.NotShown},
		"too few to tell":                     {failing(3), good(400), expect.Undecided},
		"it may be a half":                    {failing(20), failing(12), expect.Undecided},
		"a drift from run to run":             {failing(100), failing(60), expect.Undecided},
		"the fault had no hold as found":      {idle(failing(80)), good(400), expect.Undecided},
		"no requests with the fix":            {failing(80), good(0), expect.Undecided},
		"work is done twice":                  {failing(80), twice(post(good(400)), 40), expect.Harmful},
		"work was done twice before as well":  {twice(post(failing(80)), 40), twice(post(good(400)), 40), expect.Proved},
		"GETs are done twice":                 {failing(80), twice(good(400), 40), expect.Proved},
	} {
		t.Run(name, func(t *testing.T) {
			x := weigh(test.found, test.fixed)
			assert.Equal(t, test.want, x.Finding, x)
			assert.Equal(t, test.want == expect.Undecided || test.want == expect.Harmful, x.Reason != "", x.Reason)
			text, err := json.Marshal(x)
			require.NoError(t, err)
			var back expect.Experiment
			require.NoError(t, json.Unmarshal(text, &back))
			assert.Equal(t, test.want, back.Finding)
		})
	}
}

// idle takes the receipts away: the fault touched nothing.
func idle(e expect.Evidence) expect.Evidence {
	e.Injections = []record.Injection{{ID: cut, Lifted: record.Span{Begin: 10, End: 11}, Receipts: []record.Receipt{{Replica: "orders-1"}}}}
	for i := range e.Exchanges {
		if x := &e.Exchanges[i]; len(x.Arrivals) > 1 {
			x.Arrivals[0].Injection = ""
		}
	}
	return e
}

func post(e expect.Evidence) expect.Evidence {
	for i := range e.Exchanges {
		e.Exchanges[i].Method = "POST"
	}
	return e
}

// twice does the work of k requests a second time, from the last one on.
func twice(e expect.Evidence, k int) expect.Evidence {
	n, sequence := len(e.Exchanges), int32(0)
	for _, x := range e.Exchanges {
		sequence += int32(len(x.Arrivals))
	}
	for i := n - k; i < n; i++ {
		x := &e.Exchanges[i]
		again := x.Arrivals[len(x.Arrivals)-1]
		sequence++
		again.Sequence = sequence
		x.Arrivals = append(x.Arrivals, again)
	}
	return e
}

// What the fix costs is said beside what it mends, and all of it in one line.
func TestExperimentInOneLine(t *testing.T) {
	fixed := good(400)
	for i := range fixed.Exchanges {
		x := &fixed.Exchanges[i]
		x.Arrivals[0].Position = 1
		x.Done = 3 * time.Millisecond
	}
	x := weigh(broken(run(400), 80, 502), fixed)
	assert.Equal(t, "fix proved: failures 20 % (80 of 400) -> 0 % (0 of 400), less by 20.0 points (95 % interval 16.3 to 24.2); "+
		"connections per request 0.00 -> 1.00, attempts 1.00 -> 1.00, executed twice 0 -> 0, p99 none -> 3ms; "+
		"without the faults 0 % (0 of 100), straight at the backend 0 % (0 of 100)", x.String())
	assert.Equal(t, map[string]int{"502": 80}, x.Found.Outcomes)
	assert.Equal(t, 3*time.Millisecond, x.Fixed.Median)
}

// What fails without the faults as well is not what they do.
func TestExperimentWithoutFaults(t *testing.T) {
	x := expect.Weigh(expect.Failures(whole), broken(run(400), 80, 502), good(400), broken(good(100), 1, 502), good(100))
	assert.Equal(t, expect.Undecided, x.Finding)
	assert.Contains(t, x.Reason, "without the faults 1.0 % (1 of 100)")
}

// Requests that fail in bursts, now in one arm and now in the other, are no evidence for a fix, however many they are; as many
// that fail by themselves are.
func TestBursts(t *testing.T) {
	run := func(failing ...int) expect.Evidence {
		e := good(400)
		for _, from := range failing {
			for i := from; i < from+20; i++ {
				e.Exchanges[i].Status = 502
			}
		}
		return e
	}
	arm := func(runs ...expect.Evidence) expect.Evidence { return expect.Together(runs, 1) }
	bursts := weigh(arm(run(40, 120, 250), run()), arm(run(), run(300)))
	assert.Equal(t, expect.Undecided, bursts.Finding, bursts)
	assert.Greater(t, bursts.Phi, 5.0)
	assert.Contains(t, bursts.String(), "times as much as chance")
	steady := weigh(arm(run(0, 40, 120, 160, 250), run(0, 40, 120, 160, 250)), arm(run(300), run(300)))
	assert.Equal(t, expect.Partly, steady.Finding, steady)
	assert.Zero(t, steady.Phi, "the schedule makes these, twice the same")
}

// So it is with work that is done twice.
func TestBurstOfDuplicates(t *testing.T) {
	arm := func(duplicates int) expect.Evidence {
		return expect.Together([]expect.Evidence{post(good(400)), twice(post(good(400)), duplicates)}, 1)
	}
	x := weigh(arm(0), arm(12))
	assert.Equal(t, expect.NotShown, x.Finding, x)
	steady := expect.Together([]expect.Evidence{twice(post(good(400)), 12), twice(post(good(400)), 12)}, 1)
	assert.Equal(t, expect.Harmful, weigh(arm(0), steady).Finding)
}

// Runs that were all meant to be made are one sample: none of them costs anything of the level.
func TestRunsTogether(t *testing.T) {
	one := weigh(broken(run(400), 80, 502), good(400))
	all := weigh(expect.Together([]expect.Evidence{broken(run(200), 40, 502), broken(run(200), 40, 502)}, 1), good(400))
	assert.Equal(t, one.Finding, all.Finding)
	assert.InDelta(t, one.Low, all.Low, 1e-12)
	assert.InDelta(t, one.High, all.High, 1e-12)
	late := broken(run(200), 40, 502)
	late.Planned++
	doubtful := weigh(expect.Together([]expect.Evidence{broken(run(200), 40, 502), late}, 1), good(400))
	assert.Equal(t, expect.Undecided, doubtful.Finding)
	assert.Contains(t, doubtful.Reason, "run 2 as found: 201 requests were planned")
}
