package harness

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/lab"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// Run runs the scenario as one subtest for each selected gateway, and each promise as a subtest of that. A suite that
// calls it must call Main in its TestMain.
func Run(t *testing.T, s Scenario) {
	t.Helper()
	needMain(t, "Run")
	if err := s.Validate(); err != nil {
		t.Fatalf("scenario: %v", err)
	}
	session.skipUnlessIn(t, s.Profile)
	if session.Dry {
		session.dry(t, arm{scenario: s})
	}
	session.each(t, Case{Scenario: s}, session.judgeOr(Case.Judge, func(c Case) (reports.Result, error) { return c.Execute(session.ctx) }))
}

// needMain ends the test if the suite never came by Main.
func needMain(t *testing.T, what string) {
	t.Helper()
	if session == nil {
		t.Fatalf("harness.%s: the suite has no func TestMain(m *testing.M) { harness.Main(m) }", what)
	}
}

// nameOf names the scenario of a test.
func (s *run) nameOf(t *testing.T) string {
	t.Helper()
	return s.suite + "/" + t.Name()
}

// each runs the case as one subtest for each selected gateway, unless it cannot run there, and books what it came to.
func (s *run) each(t *testing.T, c Case, execute func(Case) (reports.Result, error)) {
	t.Helper()
	c.Name = s.nameOf(t)
	c.Seed, c.ScheduleSeed = s.Seed, s.seedOf(c.Name)
	for _, gateway := range s.chosen {
		if !s.Shard.has(c.Name + " on " + gateway.String()) {
			continue
		}
		c := c
		c.Gateway = gateway.Gateway
		t.Run(gateway.String(), func(t *testing.T) {
			t.Parallel()
			c.Dir = filepath.Join(s.Out, t.Name())
			c.commands = s.commands(c.Name, gateway.Selector())
			if s.Sandboxes != sandboxesNone {
				c.Sandboxes = &s.sandboxes
			}
			c.Progress = s.progress.of(c.Name + " on " + gateway.String())
			var err error
			if c.Scenario.Expect, err = s.bounds.apply(c.Name, c.Gateway.String(), c.Scenario.Expect); err != nil {
				t.Fatal(err)
			}
			s.one(t, c, gateway.missing, execute)
		})
	}
}

// one runs the case on its gateway. Each verdict is a subtest.
func (s *run) one(t *testing.T, c Case, missing error, execute func(Case) (reports.Result, error)) {
	t.Helper()
	if s.Resume { // before anything else, so that no reason not to run takes the place of what is there
		found, err := reports.Load(c.Dir)
		if err == nil && found.NotRun == "" && found.Ruling != expect.Error && found.Seed == s.Seed {
			s.take(found)
			reportAll(t, found)
			return
		}
	}
	result := reports.Result{Scenario: c.Name, Gateway: c.Gateway.String(), Dir: c.Dir}
	if result.NotRun = s.reasonNotToRun(c, missing); result.NotRun != "" {
		s.book(t, result)
		if s.Strict && missing != nil {
			t.Fatalf("%s: not run: %s", c.Gateway, result.NotRun)
		}
		t.Skipf("%s: not run: %s", c.Gateway, result.NotRun)
	}
	found, err := execute(c)
	s.progress.done(c.Name + " on " + c.Gateway.String())
	if s.ctx.Err() != nil {
		result.NotRun = "interrupted"
		s.book(t, result)
		t.Fatalf("interrupted: %v", err)
	}
	if err != nil {
		result.Ruling = expect.Error
		result.Verdicts = []expect.Verdict{{Promise: "the harness works", Ruling: expect.Error, Reason: err.Error()}}
		s.book(t, result)
		t.Fatalf("the harness failed, which says nothing about the gateway: %v", err)
	}
	s.book(t, found)
	reportAll(t, found)
}

func reportAll(t *testing.T, r reports.Result) {
	t.Helper()
	if r.Case != nil && r.Case.Retaken != "" {
		t.Logf("taken again, since %s", r.Case.Retaken)
	}
	for _, v := range r.Verdicts {
		t.Run(slug(v.Promise), func(t *testing.T) { report(t, r, v) })
	}
}

// report turns a verdict into the result of a test: what is neither kept nor known is red, and so is what was not measured.
func report(t *testing.T, r reports.Result, v expect.Verdict) {
	t.Helper()
	switch {
	case !reports.Green(v.Ruling, session.Strict):
		t.Error(reports.Message(r, v))
	case v.Ruling == expect.Pass:
		t.Logf("pass: %s: %s", v.Promise, v.Measured)
	default:
		t.Logf("%s: %s: %s", v.Ruling, v.Promise, v.Reason)
	}
}

// reasonNotToRun says why a case does not run here, or "".
func (s *run) reasonNotToRun(c Case, missing error) string {
	if s.ctx.Err() != nil {
		return "interrupted"
	}
	if s.Replay != "" {
		if _, err := os.Stat(filepath.Join(s.replayDir(c), c.first, record.CaseFile)); err != nil {
			return "no facts of it in " + s.Replay
		}
		return ""
	}
	if missing != nil {
		return missing.Error()
	}
	if why, is := of(c.except, c.Gateway); is {
		return why
	}
	for _, scenario := range append([]Scenario{c.Scenario}, c.also...) {
		c.Scenario = scenario
		if scenario.Expect.ReadsLog() && !c.Gateway.ReadsLog() {
			return "not supported: nothing is known of how the gateway's log books requests"
		}
		// Any other error is the start's to tell.
		if unsupported, is := errors.AsType[gateways.Unsupported](lab.Supports(c.plan())); is {
			return "not supported: " + unsupported.Reason
		}
	}
	return ""
}

// judgeOr is how a case is executed, or judged if a saved run is replayed.
func (s *run) judgeOr(judge, execute func(Case) (reports.Result, error)) func(Case) (reports.Result, error) {
	if s.Replay == "" {
		return execute
	}
	return func(c Case) (reports.Result, error) {
		c.Dir, c.elsewhere = s.replayDir(c), s.rejudged
		return judge(c)
	}
}

// replayDir finds the facts of a case below the replayed folder, which may be a whole run or one suite of it.
func (s *run) replayDir(c Case) string {
	within := strings.TrimPrefix(c.Dir, s.Out)
	if dir := filepath.Join(s.Replay, s.suite, within); exists(dir) {
		return dir
	}
	return filepath.Join(s.Replay, within)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// commands run a scenario again, with the seed that is put behind it, and judge its facts again; they are typed at the root of
// the clone or in the user's module.
type commands struct{ repeat, replay string }

func (s *run) commands(scenario, selector string) commands {
	parts := strings.Split(strings.TrimPrefix(scenario, s.suite+"/"), "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	test := fmt.Sprintf("go test %s -run '%s' -bg.gateway=%s", suitePackage(s.suite), strings.Join(parts, "/"), selector)
	if s.Profile != CI { // what is of another one would be skipped
		test += " -bg.profile=" + s.Profile.String()
	}
	if s.Thresholds != "" {
		test += " -bg.thresholds=" + shorten(s.Thresholds)
	}
	if s.Strict {
		test += " -bg.strict"
	}
	if s.Sandboxes == sandboxesNone {
		test += " -bg.sandboxes=" + s.Sandboxes
	}
	again := commands{repeat: test + " -bg.seed="}
	if s.Keep != keepNever || s.Replay != "" {
		again.replay = test + " -bg.replay=" + shorten(cmp.Or(s.Replay, s.root()))
	}
	return again
}

// suitePackage is how the suite is named on the command line: as in the clone, or from another module.
func suitePackage(suite string) string {
	if info, ok := debug.ReadBuildInfo(); ok && cloneRoot() == "" && info.Path != "" {
		return strings.TrimSuffix(info.Path, ".test")
	}
	return "./suites/" + suite
}

// shorten writes a path relative to the clone where that is shorter.
func shorten(path string) string {
	if root := cloneRoot(); root != "" {
		if relative, err := filepath.Rel(root, path); err == nil && !strings.HasPrefix(relative, "..") {
			return relative
		}
	}
	return path
}

// seedOf gives each scenario its own seed, the same on every gateway, so that versions are compared under one load.
func (s *run) seedOf(scenario string) uint64 {
	return derivedSeed(s.Seed, scenario)
}

func derivedSeed(seed uint64, what string) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %s", seed, what) // a hash never fails
	return h.Sum64() % 1_000_000_000
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9.,%-]+`)

// slug turns a promise into the name of a subtest.
func slug(promise string) string {
	return strings.Trim(notInNames.ReplaceAllString(promise, "_"), "_")
}
