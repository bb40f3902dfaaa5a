package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// Experiment puts a fix to the test that somebody recommends: a scenario is run as found and with the fix, in turn, each
// time in a fresh lab and with the same schedule, and the shares that fail are compared. Besides, the scenario is run
// without its faults: what fails then is not what the fix is for.
type Experiment struct {
	// Fix says in words what is changed, as those say it who recommend it.
	Fix string
	// Found is the scenario as found. It promises nothing: what fails is counted.
	Found Scenario
	// Change makes the fix, in a copy of the scenario.
	Change func(*Scenario)
	// Of is what is counted; the zero Share is all failures of the whole run.
	Of expect.Share
	// Rounds is how many times each is run; zero is 2.
	Rounds int
	// Looks is how often the facts are looked at, at most: as long as they decide nothing, as many rounds again are run as there
	// were. Each look is judged more strictly, so that all of them together err no more often than a single one. Zero is 1.
	Looks int
	// Finds is what is known of the fix, by gateway ("nginx") or gateway and version ("nginx@1.18"): anything else found is
	// red. Of a gateway that is not named here the finding is told and not judged, but for one that is undecided.
	Finds map[string]expect.Finding
	// Except is on which gateways it is not run, by the same names, and why: where what is found once is not found again.
	Except map[string]string
}

// mostDoublings bounds the looks, each of which has twice the rounds of the one before.
const mostDoublings = 6

// defaultRounds is how often each arm is run: twice, so that what drifts meets both.
const defaultRounds = 2

// Validate reports everything that is wrong with the experiment, joined.
func (e Experiment) Validate() error {
	var problems []error
	if e.Fix == "" {
		problems = append(problems, errors.New("fix: in no words"))
	}
	if e.Change == nil {
		return errors.Join(append(problems, errors.New("change: none, so there are no two things to compare"))...)
	}
	if e.Rounds < 0 || e.Rounds > mostLooks {
		problems = append(problems, fmt.Errorf("rounds: %d, want 0 to %d", e.Rounds, mostLooks))
	}
	if e.Looks < 0 || e.Looks > mostDoublings {
		problems = append(problems, fmt.Errorf("looks: %d, want 0 to %d", e.Looks, mostDoublings))
	}
	if len(e.Found.Expect) > 0 || e.Found.Looks != 0 {
		problems = append(problems, errors.New("found: promises and looks are for scenarios; here failures are counted"))
	}
	for on, why := range e.Except {
		_, finds := e.Finds[on]
		if why == "" || finds {
			problems = append(problems, fmt.Errorf("except %s: want a reason, and no finding", on))
		}
	}
	for _, arm := range []arm{{found, e.arm(found)}, {fixed, e.arm(fixed)}} {
		if err := arm.scenario.Validate(); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", arm.name, err))
		}
	}
	return errors.Join(problems...)
}

// The arms, and the controls, by the names of their folders.
const (
	found = "found"
	fixed = "fixed"
	// quiet is as found but without the faults, and straight is as found but without the gateway: the load goes straight to
	// the first replica. People do both by hand to find out where a failure comes from.
	quiet    = "without-faults"
	straight = "straight-at-the-backend"
)

// arm is the scenario of an arm, with what is counted as its promise.
func (e Experiment) arm(name string) Scenario {
	s := e.Found
	s.Faults = slices.Clone(s.Faults)
	if s.Front != nil { // it may be part of the change
		front := *s.Front
		s.Front = &front
	}
	switch name {
	case fixed:
		e.Change(&s)
	case quiet:
		s.Faults = nil
	}
	s.Expect = expect.All{e.of().None()}
	return s
}

func (e Experiment) of() expect.Share {
	if e.Of.IsZero() {
		return expect.Failures(record.Phase{})
	}
	return e.Of
}

// Try runs the experiment as one subtest for each selected gateway. A suite that calls it must call Main in its TestMain.
func Try(t *testing.T, e Experiment) {
	t.Helper()
	needMain(t, "Try")
	if err := e.Validate(); err != nil {
		t.Fatalf("experiment: %v", err)
	}
	session.skipUnlessIn(t, e.Found.Profile)
	if session.Dry {
		session.dry(t, arm{" as found", e.arm(found)}, arm{" with the fix", e.arm(fixed)})
	}
	c := Case{Scenario: e.Found, also: []Scenario{e.arm(fixed)}, except: e.Except, first: turn{found, 1}.String()}
	session.each(t, c, session.judgeOr(
		func(c Case) (reports.Result, error) { return c.weigh(e) },
		func(c Case) (reports.Result, error) { return c.Try(session.ctx, e) },
	))
}

// turn is one run of an arm, in a round from 1.
type turn struct {
	arm   string
	round int
}

// String names the folder of its facts.
func (t turn) String() string { return fmt.Sprintf("%s-%d", t.arm, t.round) }

// turns are the runs of all arms up to a look, in their order, which changes from round to round so that what drifts meets
// both arms. The controls have the first round alone; where nothing is broken there is nothing to leave out.
func (e Experiment) turns(look int) []turn {
	if look == 0 {
		return nil
	}
	all := []turn{{found, 1}, {fixed, 1}, {straight, 1}}
	if len(e.Found.Faults) > 0 {
		all = append(all, turn{quiet, 1})
	}
	for round := 2; round <= cmp.Or(e.Rounds, defaultRounds)<<(look-1); round++ {
		both := []turn{{found, round}, {fixed, round}}
		if round%2 == 0 {
			slices.Reverse(both)
		}
		all = append(all, both...)
	}
	return all
}

func (e Experiment) looks() int { return cmp.Or(e.Looks, 1) }

// at is the case of one turn. All arms of a round have the same schedule.
func (c Case) at(e Experiment, t turn) Case {
	c.Scenario = e.arm(t.arm)
	c.straight = t.arm == straight
	c.ScheduleSeed = derivedSeed(c.ScheduleSeed, fmt.Sprintf("round %d", t.round))
	c.Dir = filepath.Join(c.Dir, t.String())
	if tell := c.Progress; tell != nil {
		c.Progress = func(what string) { tell(fmt.Sprintf("%s, round %d, %s", t.arm, t.round, what)) }
	}
	return c
}

// Try gathers the facts of all arms, in turn, and weighs them, until they decide or the looks are used up.
func (c Case) Try(ctx context.Context, e Experiment) (result reports.Result, err error) {
	if err := os.RemoveAll(c.Dir); err != nil { // of a run that was in the folder before
		return reports.Result{}, err
	}
	for look := 1; look <= e.looks(); look++ {
		for _, t := range e.turns(look)[len(e.turns(look-1)):] {
			if err := c.at(e, t).gather(ctx); err != nil {
				return reports.Result{}, fmt.Errorf("%s: %w", t, err)
			}
		}
		runtime.GC() // what was written is read again, and need not be in memory twice
		if result, err = c.weigh(e); err != nil || !result.Experiment.Open {
			break
		}
	}
	return result, err
}

// weigh judges the saved facts of the experiment, of as many looks as were taken.
func (c Case) weigh(e Experiment) (reports.Result, error) {
	turns := e.turns(1)
	for look := 2; look <= e.looks(); look++ {
		if all := e.turns(look); exists(c.at(e, all[len(all)-1]).Dir) {
			turns = all
		}
	}
	runs := map[string][]expect.Evidence{}
	var of record.Case
	var retaken []string
	for _, t := range turns {
		run, facts, err := c.at(e, t).evidence()
		if err != nil {
			return reports.Result{}, err
		}
		runs[t.arm] = append(runs[t.arm], run)
		if t.arm == found {
			of = facts
		}
		if facts.Retaken != "" {
			retaken = append(retaken, fmt.Sprintf("%s: %s", t, facts.Retaken))
		}
	}
	of.Retaken = strings.Join(retaken, "; ")
	evidence := map[string]expect.Evidence{}
	for arm, all := range runs {
		evidence[arm] = expect.Together(all, e.looks())
	}
	x := expect.Weigh(e.of(), evidence[found], evidence[fixed], evidence[quiet], evidence[straight])
	first := c.at(e, turn{found, 1}).Dir
	result := c.result(of, evidence[found], []expect.Verdict{e.rule(x, c.Gateway)}, first)
	result.Experiment = &x
	result.Config = append(configsIn(first, "as found: "), configsIn(c.at(e, turn{fixed, 1}).Dir, "with the fix: ")...)
	result.Log = nil // that of the run which the witness is of
	if n := slices.IndexFunc(runs[fixed], func(run expect.Evidence) bool { return has(run, x.Fixed.Witness) }); n >= 0 {
		result.Log = logsOf(c.at(e, turn{fixed, n + 1}).Dir, result.Verdicts)
	}
	return result, c.save(result)
}

// has reports whether the witness is of this run. Another arm may have a request of that name in its run of the same round.
func has(run expect.Evidence, witness *record.Exchange) bool {
	return witness != nil && slices.ContainsFunc(run.Exchanges, func(x record.Exchange) bool { return x.ID == witness.ID })
}

// of is what is said of a gateway, by its name and version or else by its name.
func of[T any](said map[string]T, on gateways.Gateway) (what T, known bool) {
	if what, known = said[on.String()]; !known {
		what, known = said[on.Name]
	}
	return what, known
}

// rule compares what was found with what is known of the fix on the gateway.
func (e Experiment) rule(x expect.Experiment, on gateways.Gateway) expect.Verdict {
	v := expect.Verdict{
		Metric: "finding", Promise: e.Fix, Measured: x.String(), N: x.Found.N + x.Fixed.N,
		Value: x.Less, Low: x.Low, High: x.High, Witness: x.Fixed.Witness,
	}
	want, known := of(e.Finds, on)
	switch {
	case x.Finding == expect.Undecided:
		v.Reason = v.Measured
	case known && x.Finding != want:
		v.Ruling, v.Reason = expect.Fail, fmt.Sprintf("want %s, got %s", want, v.Measured)
	default:
		v.Ruling = expect.Pass
	}
	return v
}
