package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// fakeSuites stands in for go test: it notes what it was told, leaves for each gateway the result that was prepared for it,
// and fails as often as a gateway does.
func fakeSuites(t *testing.T, failing map[string]int) (log string) {
	t.Helper()
	prepared := t.TempDir()
	for gateway, k := range failing {
		dir := filepath.Join(prepared, gateway)
		require.NoError(t, os.MkdirAll(dir, 0o755))
		ruling := expect.Pass
		if k > 0 {
			ruling = expect.Fail
		}
		require.NoError(t, reports.Save(reports.Result{
			Scenario: "idleclose/TestRace/GET-before", Gateway: gateway, Detected: "1", Ruling: ruling, Dir: dir, Case: &record.Case{},
			Summary: reports.Summary{Requests: 1000, Failures: k, Outcomes: map[string]int{"200": 1000 - k, "502": k}},
		}))
		require.NoError(t, record.WriteJSON(filepath.Join(dir, "run.json"), map[string]any{"suite": "idleclose", "began": "2026-11-22T01:00:00Z", "ended": "2126-11-22T02:00:00Z", "strict": true}))
	}
	log = filepath.Join(t.TempDir(), "log")
	fakeGo(t, fmt.Sprintf(`
echo "$@" >> %s
for a in "$@"; do case $a in
  -bg.out=*) out=${a#-bg.out=} ;;
  -bg.gateway=*) gateway=${a#-bg.gateway=} ;;
esac; done
mkdir -p $out/idleclose/TestRace && cp %s/$gateway/* $out/idleclose/TestRace/ || { echo "unknown gateway $gateway"; exit 2; }
! grep -q '"fail"' $out/idleclose/TestRace/verdict.json
`, log, prepared))
	return log
}

func commandLine(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e strings.Builder
	code = run(t.Context(), args, &o, &e)
	return code, o.String(), e.String()
}

// Both are run in turns with the same seeds, and what is different is said; the same command goes on with its folder.
func TestCompareRunsInTurns(t *testing.T) {
	log := fakeSuites(t, map[string]int{"nginx@1.26": 0, "nginx@1.30": 500})
	dir := filepath.Join(t.TempDir(), "cmp")
	args := []string{"compare", "nginx@1.26", "nginx@1.30", "--suite", "idleclose", "--rounds", "2", "--seed", "40", "--out", dir, "--fail-on-worse"}
	code, out, errOut := commandLine(t, args...)
	assert.Equal(t, exitFailed, code, errOut)
	assert.Contains(t, out, "round 2 of 2, nginx@1.30: 1 fail")
	assert.Contains(t, out, "idleclose/TestRace/GET-before: clients see 502: new, in 50 % (1000 of 2000); before in 0 % (0 of 2000)")
	assert.Contains(t, out, "the verdict was pass and is fail, in all rounds, 2 and 2")
	assert.Contains(t, out, "1 worse, 0 better, 1 differ")
	assert.FileExists(t, filepath.Join(dir, "comparison.md"))
	assert.FileExists(t, filepath.Join(dir, "comparison.json"))
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	var order []string
	for line := range strings.Lines(string(text)) {
		assert.Contains(t, line, "./suites/idleclose")
		for word := range strings.FieldsSeq(line) {
			if value, is := strings.CutPrefix(word, "-bg.gateway=nginx@"); is {
				order = append(order, value)
			}
			if value, is := strings.CutPrefix(word, "-bg.seed="); is {
				order = append(order, value)
			}
		}
	}
	assert.Equal(t, []string{"1.26", "40", "1.30", "40", "1.30", "41", "1.26", "41"}, order)

	code, out, _ = commandLine(t, "compare", filepath.Join(dir, "old"), filepath.Join(dir, "old"), "--fail-on-worse")
	assert.Equal(t, exitOK, code, "saved rounds are compared without a gateway, and a run is no worse than itself")
	assert.Contains(t, out, "0 worse")

	args[2] = "nginx@1.22"
	code, _, errOut = commandLine(t, args...)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errOut, dir+" holds another comparison: nginx@1.26 with nginx@1.30, suites idleclose, profile ci, seed 40")
}

func TestCompareMistakes(t *testing.T) {
	fakeSuites(t, nil)
	saved := t.TempDir()
	require.NoError(t, reports.Save(reports.Result{Scenario: "a/TestB", Gateway: "g", Dir: saved}))
	empty := t.TempDir()
	for want, args := range map[string][]string{
		"nginx@all are several gateways, want one":                                {"nginx@all", "nginx"},
		"nginx,caddy are several gateways, want one":                              {"stdlib", "nginx,caddy"},
		"one is a saved run and the other is not: nginx is no folder or file":     {saved, "nginx"},
		"one is a saved run and the other is not: " + empty + " holds no results": {empty, saved},
		"--rounds 0, want 1 to 100":                                               {"stdlib", "stdlib", "--rounds", "0"},
		"nginks is no saved run, and as a gateway: unknown gateway":               {"nginks", "nginx"},
		`no gateway and no saved run is called ""`:                                {"", "nginx"},
		`there is no suite "idlclose" in`:                                         {"stdlib", "stdlib", "--suite", "idlclose"},
		"compare: no NEW given; see badgateway compare --help":                    {"stdlib"},
		"(did you mean --rounds or --run?); see badgateway compare --help":        {"a", "b", "--round", "3"},
	} {
		code, _, errOut := commandLine(t, append([]string{"compare"}, args...)...)
		assert.Equal(t, exitUsage, code, args)
		assert.Contains(t, errOut, want)
		assert.Equal(t, 1, strings.Count(errOut, "\n"), errOut)
	}
	code, _, errOut := commandLine(t, "compare", "stdlib", "nginx", "--suite", "idleclose", "--out", t.TempDir())
	assert.Equal(t, exitHarness, code)
	assert.Contains(t, errOut, "stdlib, round 1: nothing was run (exit status 2); go test said: ")
	assert.Contains(t, errOut, "unknown gateway stdlib")
}

// A suite that does not compile is no part of a comparison that leaves it out in silence; and two in one folder are one too
// many.
func TestCompareIsWhole(t *testing.T) {
	fakeSuites(t, map[string]int{"stdlib": 0})
	code, _, errOut := commandLine(t, "compare", "stdlib", "stdlib", "--suite", "idleclose,churn", "--out", t.TempDir())
	assert.Equal(t, exitHarness, code)
	assert.Contains(t, errOut, "stdlib, round 1: the suite churn was not run; see ")

	dir := t.TempDir()
	held, err := hold(dir)
	require.NoError(t, err)
	defer held.Close()
	code, _, errOut = commandLine(t, "compare", "stdlib", "stdlib", "--suite", "idleclose", "--out", dir)
	assert.Equal(t, exitHarness, code)
	assert.Contains(t, errOut, "another badgateway, or a go test that one has left behind, works in "+dir)
}

// A night is resumed where it was interrupted, kept in the trend when it is done, and followed by a new one.
func TestNightly(t *testing.T) {
	log := fakeSuites(t, map[string]int{"stdlib": 0, "nginx": 3})
	runs := t.TempDir()
	t.Setenv("BADGATEWAY_OUT", runs)
	begun := filepath.Join(runs, "nightly-20261121-020000")
	require.NoError(t, os.MkdirAll(begun, 0o755))
	require.NoError(t, record.WriteJSON(filepath.Join(begun, nightFile), asked{"stdlib", "nightly", "1/1", "idleclose"}))
	for _, old := range []string{"nightly-20261119-020000", "nightly-20261120-020000"} {
		require.NoError(t, os.MkdirAll(filepath.Join(runs, old), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(runs, old, "finished"), nil, 0o600))
	}
	code, out, errOut := commandLine(t, "nightly", "stdlib", "--suite", "idleclose", "--keep", "2")
	require.Equal(t, exitOK, code, "%s%s", out, errOut)
	assert.FileExists(t, filepath.Join(begun, "finished"), "the night that had not been finished was")
	assert.FileExists(t, filepath.Join(begun, "index.html"))
	assert.FileExists(t, filepath.Join(runs, "trend", "20261122T010000Z.json"))
	assert.FileExists(t, filepath.Join(runs, "trend", "trend.html"))
	assert.NoDirExists(t, filepath.Join(runs, "nightly-20261119-020000"), "of finished nights two stay")
	assert.DirExists(t, filepath.Join(runs, "nightly-20261120-020000"))
	assert.Contains(t, out, "0 of 1 series show a change")
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	assert.Contains(t, string(text), "-bg.out="+begun+" -bg.shard=1/1 -bg.resume -bg.strict\n")

	code, _, _ = commandLine(t, "nightly", "nginx", "--suite", "idleclose")
	assert.Equal(t, exitFailed, code)
	nights, err := filepath.Glob(filepath.Join(runs, "nightly-*"))
	require.NoError(t, err)
	assert.Len(t, nights, 3, "a new one")

	code, _, errOut = commandLine(t, "nightly", "stdlib", "--suite", "idleclose", "--out", begun, "--profile", "smoke")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errOut, begun+" is a night of other things: gateways stdlib, profile nightly, shard 1/1, suites idleclose")
}

// A night in which a suite did not run to its end is not finished, and no point of the trend.
func TestNightlyIsNotFinished(t *testing.T) {
	fakeSuites(t, map[string]int{"stdlib": 0})
	runs := t.TempDir()
	out := filepath.Join(runs, "night")
	code, _, errOut := commandLine(t, "nightly", "stdlib", "--suite", "idleclose,churn", "--out", out)
	assert.Equal(t, exitHarness, code)
	assert.Contains(t, errOut, "the night is not finished: churn did not run to the end")
	assert.NoFileExists(t, filepath.Join(out, finishedFile))
	assert.NoDirExists(t, filepath.Join(runs, trendFolder))
}
