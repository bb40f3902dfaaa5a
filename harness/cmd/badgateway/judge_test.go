//go:build unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// savedRun is a run's folder with facts of scenarios on gateways; each is "scenario on gateway".
func savedRun(t *testing.T, of ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range of {
		scenario, gateway, _ := strings.Cut(name, " on ")
		dir := filepath.Join(root, filepath.FromSlash(scenario), gateway)
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, record.Save(dir, record.Facts{Case: record.Case{Scenario: scenario, Gateway: gateway, Detected: "1"}}))
	}
	return root
}

// fakeGo stands in for the go command: a script, which is told what it was typed.
func fakeGo(t *testing.T, script string) {
	t.Helper()
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\n"+script), 0o755))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// This one compiles a suite, and has it judge facts that tell nothing.
func TestJudge(t *testing.T) {
	t.Parallel()
	dir := savedRun(t, "idleclose/TestPostIsNotSentAgain/default-fin on stdlib")
	var out, errOut strings.Builder
	assert.Equal(t, exitInconclusive, run(t.Context(), []string{"judge", dir}, &out, &errOut), errOut.String())
	assert.Contains(t, out.String(), "judging "+dir+" again")
	assert.True(t, strings.HasSuffix(out.String(), "\n\n1 inconclusive\n"), out.String())
	_, err := reports.LoadAll(dir)
	assert.ErrorContains(t, err, "no results here", "the saved run is as it was")
}

// What go test is told, and what comes of what it finds.
func TestJudgement(t *testing.T) {
	dir := savedRun(t, "idleclose/TestRace/GET-before on nginx@1.30", "idleclose/TestRace/GET-before on mine", "connect/TestPoison on stdlib",
		"contract/TestLog on stdlib")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "idleclose", "run.json"), []byte(`{"gateways": "nginx@all,./mine", "profile": "nightly"}`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "connect", "run.json"), []byte(`{"gateways": "stdlib", "profile": "ci"}`), 0o600))
	for name, c := range map[string]struct {
		finds []expect.Ruling
		exits string
		code  int
		says  string
	}{
		"green":                {[]expect.Ruling{expect.Pass, expect.Known}, "0", exitOK, ""},
		"red":                  {[]expect.Ruling{expect.Pass, expect.Fail}, "1", exitFailed, ""},
		"undecided":            {[]expect.Ruling{expect.Inconclusive, expect.Pass}, "1", exitInconclusive, ""},
		"not to be judged":     {[]expect.Ruling{expect.Error, expect.Fail}, "1", exitHarness, ""},
		"gone, and strict":     {[]expect.Ruling{expect.KnownGone, expect.Pass}, "1", exitFailed, ""},
		"gone":                 {[]expect.Ruling{expect.KnownGone, expect.Pass}, "0", exitOK, ""},
		"red for other causes": {[]expect.Ruling{expect.Pass}, "1", exitHarness, "no promise was broken, but go test failed (exit status 1)"},
		"not compiled":         {nil, "1", exitHarness, "nothing was judged; go test says above why"},
	} {
		t.Run(name, func(t *testing.T) {
			results := t.TempDir()
			for i, ruling := range c.finds {
				at := filepath.Join(results, string(rune('a'+i)))
				require.NoError(t, os.Mkdir(at, 0o755))
				require.NoError(t, reports.Save(reports.Result{Scenario: "idleclose/TestRace", Gateway: "g", Ruling: ruling, Dir: at}))
			}
			fakeGo(t, `echo "$@"; for a; do case "$a" in -bg.out=*) cp -r `+results+`/. "${a#-bg.out=}";; esac; done; exit `+c.exits)
			var out, errOut strings.Builder
			code := run(t.Context(), []string{"judge", dir, "--thresholds", "team.yaml", "--", "-v", "-run", "TestRace"}, &out, &errOut)
			assert.Equal(t, c.code, code, errOut.String())
			if c.says == "" {
				assert.Empty(t, errOut.String())
			} else {
				assert.Contains(t, errOut.String(), c.says)
			}
			here, err := filepath.Abs("team.yaml")
			require.NoError(t, err)
			typed, _, _ := strings.Cut(out.String(), "\n")
			assert.Regexp(t, `^test -count=1 ./suites/connect ./suites/idleclose -bg.replay=`+dir+
				` -bg.gateway=nginx@1.30,stdlib,./mine -bg.out=\S+ -bg.profile=nightly -bg.thresholds=`+here+` -v -run TestRace$`, typed)
		})
	}
}

// What cannot be judged is told before anything is compiled.
func TestNothingToJudge(t *testing.T) {
	fakeGo(t, "echo not to be run; exit 1")
	for name, c := range map[string]struct {
		dir, want string
		code      int
	}{
		"no facts":        {t.TempDir(), ": no facts here to judge; a run keeps those of what failed, or all with -bg.keep=always", exitHarness},
		"inspections":     {savedRun(t, "contract/TestLog on stdlib"), "nothing here can be judged again: inspections look while they run", exitHarness},
		"no such suite":   {savedRun(t, "idlclose/TestRace on stdlib"), `there is no suite "idlclose"`, exitUsage},
		"unknown gateway": {savedRun(t, "idleclose/TestRace on mine"), "no shipped gateway is called mine: say --gateway=FOLDER", exitHarness},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errOut strings.Builder
			assert.Equal(t, c.code, run(t.Context(), []string{"judge", c.dir}, &out, &errOut))
			assert.Contains(t, errOut.String(), c.want)
			assert.Empty(t, out.String())
		})
	}
}

// A signal reaches go test and what it has started, each once, and this process waits for them to take down what they
// started.
func TestInterruptedGoTest(t *testing.T) {
	dir := t.TempDir()
	started, told := filepath.Join(dir, "started"), filepath.Join(dir, "told")
	suite := filepath.Join(dir, "suite")
	require.NoError(t, os.WriteFile(suite, []byte(`#!/bin/sh
trap 'echo suite >> `+told+`; kill $!; exit 1' INT
sleep 30 >/dev/null 2>&1 & touch `+started+`; wait
`), 0o755))
	fakeGo(t, `trap 'echo go >> `+told+`' INT
`+suite+`
exit 7
`)
	ended := make(chan error, 1)
	go func() {
		var out, errOut strings.Builder
		ended <- goTest(t.Context(), dir, &out, &errOut, "./...")
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(started); return err == nil }, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGINT))
	select {
	case err := <-ended:
		assert.ErrorContains(t, err, "exit status 7")
	case <-time.After(10 * time.Second):
		t.Fatal("it was not told")
	}
	text, err := os.ReadFile(told)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"go", "suite"}, strings.Fields(string(text)))
}

// What is interrupted has come to nothing, and says no more than that.
func TestInterrupted(t *testing.T) {
	dir := savedRun(t, "idleclose/TestRace/GET-before on stdlib")
	fakeGo(t, "echo not to be run; exit 1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"judge", dir}, {"explain", "idleclose/TestRace"}} {
		var out, errOut strings.Builder
		assert.Equal(t, exitFailed, run(ctx, args, &out, &errOut))
		assert.Equal(t, "badgateway: interrupted\n", errOut.String())
		assert.NotContains(t, out.String(), "not to be run")
	}
}
