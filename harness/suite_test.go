package harness_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// A suite's test binary is what a user's go test runs, so these tests run one too.

// noEngine keeps a test from using, or waiting for, the engine of the machine it runs on.
const noEngine = "DOCKER_HOST=unix:///nonexistent/docker.sock"

var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "badgateway-suite-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "idleclose.test")
	out, err := exec.Command("go", "test", "-c", "-o", path, "../suites/idleclose").CombinedOutput()
	if err != nil {
		return "", &exec.Error{Name: string(out), Err: err}
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// suite prepares a run of the idle-close suite in its own folder.
func suite(t *testing.T, environment []string, args ...string) (cmd *exec.Cmd, out, errOut *bytes.Buffer) {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	cmd = exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = "../suites/idleclose"
	cmd.Env = append(append(os.Environ(), "CI=true", noEngine), environment...)
	out, errOut = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, errOut
	return cmd, out, errOut
}

func TestWrongInputIsOneLine(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "gateway.yaml"), []byte("name: mine\nlistne: 80\n"), 0o600))
	for name, c := range map[string]struct {
		args, environment []string
		want              string
	}{
		"shard":                {args: []string{"-bg.shard=3/2"}, want: "-bg.shard=3/2: want a part and their number, as 2/4"},
		"resume nothing":       {args: []string{"-bg.resume"}, want: "-bg.resume: want the folder of the run in -bg.out, and no -bg.replay"},
		"unknown gateway":      {args: []string{"-bg.gateway=nginks"}, want: `unknown gateway "nginks", want apisix, caddy, envoy, haproxy, httpd, nginx, stdlib, traefik, all, or a folder`},
		"unknown version":      {args: []string{"-bg.gateway=nginx@1.2"}, want: `nginx has no version "1.2", want 1.18, 1.22, 1.26, 1.30 or all`},
		"no such folder":       {args: []string{"-bg.gateway=./mine"}, want: "./mine does not exist (tried /"},
		"wrong field":          {args: []string{"-bg.gateway=" + folder}, want: folder + `/gateway.yaml:2:1: unknown field "listne"`},
		"unknown flag":         {args: []string{"-bg.gatway=nginx"}, want: "flag provided but not defined: -bg.gatway; the flags of badgateway are -bg.gateway"},
		"stray argument":       {args: []string{"nginx@1.30", "-bg.seed=1"}, want: `unexpected argument "nginx@1.30"`},
		"empty gateway":        {args: []string{"-bg.gateway=stdlib,"}, want: "-bg.gateway=stdlib,: an empty name"},
		"out is a file":        {args: []string{"-bg.out=/dev/null"}, want: "-bg.out: mkdir /dev/null: not a directory"},
		"replay is a file":     {args: []string{"-bg.replay=/dev/null"}, want: "-bg.replay: /dev/null is no folder"},
		"thresholds":           {args: []string{"-bg.thresholds=nowhere.yaml"}, want: "-bg.thresholds: nowhere.yaml does not exist (tried /"},
		"wrong thresholds":     {args: []string{"-bg.thresholds=" + folder + "/gateway.yaml"}, want: "-bg.thresholds: " + folder + "/gateway.yaml:1:5: mapping was used"},
		"seed":                 {args: []string{"-bg.seed=x"}, want: "-bg.seed=x: want a whole number"},
		"profile":              {args: []string{"-bg.profile=all"}, want: "-bg.profile=all: want smoke, ci or nightly"},
		"keep":                 {args: []string{"-bg.keep=some"}, want: "-bg.keep=some: want never, failed or always"},
		"dry":                  {args: []string{"-bg.dry=half"}, want: "-bg.dry=half: want true, brief or false"},
		"sandboxes":            {args: []string{"-bg.sandboxes=some"}, want: "-bg.sandboxes=some: want none, suite or run"},
		"strict":               {environment: []string{"BADGATEWAY_STRICT=maybe"}, want: "-bg.strict=maybe: want true or false"},
		"replay":               {args: []string{"-bg.replay=reports/runs/nothing"}, want: "-bg.replay: reports/runs/nothing does not exist (tried /"},
		"engine not reachable": {args: []string{"-bg.gateway=nginx@1.30"}, want: "gateway nginx@1.30: no container engine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd, _, errOut := suite(t, c.environment, c.args...)
			err := cmd.Run()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			assert.Equal(t, 2, exit.ExitCode())
			line := strings.TrimSuffix(errOut.String(), "\n")
			assert.NotContains(t, line, "\n")
			assert.Contains(t, line, c.want)
		})
	}
}

// Everything is told that did not run, and why; a selection of all is no failure.
func TestWhatCannotRunIsNamed(t *testing.T) {
	t.Parallel()
	cmd, out, errOut := suite(t, nil, "-test.run=^TestClientConnections$", "-bg.gateway=stdlib,nginx@all", "-bg.out="+t.TempDir())
	require.NoError(t, cmd.Run(), errOut)
	for _, gateway := range []string{"nginx@1.26", "nginx@1.30"} {
		assert.Contains(t, out.String(), "not run on "+gateway+":\n"+
			"  idleclose/TestClientConnections/per-request, idleclose/TestClientConnections/per-request-http10: no container engine")
	}
	assert.Contains(t, out.String(), "2 pass, 8 not run")
}

// A saved run is judged again without a gateway, to the same verdicts; strict does not change what was measured.
func TestReplay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const test = "-test.run=^TestPostIsNotSentAgain$/^default-fin$"
	cmd, out, errOut := suite(t, nil, test, "-bg.keep=always", "-bg.seed=7", "-bg.out="+dir)
	require.NoError(t, cmd.Run(), "%s%s", out, errOut)
	ran, err := reports.LoadAll(dir)
	require.NoError(t, err)
	require.Len(t, ran, 1)
	facts, err := record.Load(ran[0].Dir)
	require.NoError(t, err)
	assert.Len(t, facts.Requests, 50)

	cmd, out, errOut = suite(t, nil, test, "-bg.replay="+dir)
	began := time.Now()
	require.NoError(t, cmd.Run(), "%s%s", out, errOut)
	assert.Less(t, time.Since(began), 2*time.Second, "the load of the scenario alone takes as long")
	again, err := reports.LoadAll(dir)
	require.NoError(t, err)
	assert.Equal(t, ran, again)
	assert.Contains(t, out.String(), "1 known")

	bounds := filepath.Join(t.TempDir(), "team.yaml")
	entry := "- {scenarios: [idleclose/TestPostIsNotSentAgain/*], promise: failures, at_most: 99 %, why: a test}\n"
	require.NoError(t, os.WriteFile(bounds, []byte(entry), 0o600))

	// Where it is said where to, the new verdicts are saved, and those of the run stay as they were.
	elsewhere := t.TempDir()
	before := verdict(t, ran[0].Dir)
	cmd, out, errOut = suite(t, nil, test, "-bg.replay="+dir, "-bg.thresholds="+bounds, "-bg.out="+elsewhere)
	require.NoError(t, cmd.Run(), "%s%s", out, errOut)
	again, err = reports.LoadAll(elsewhere)
	require.NoError(t, err)
	require.Len(t, again, 1)
	assert.Contains(t, verdict(t, again[0].Dir), `"by": "team.yaml"`)
	assert.Equal(t, before, verdict(t, ran[0].Dir))

	cmd, out, errOut = suite(t, nil, test, "-bg.replay="+dir, "-bg.thresholds="+bounds)
	require.NoError(t, cmd.Run(), "%s%s", out, errOut)
	assert.Contains(t, out.String(), ": at most 99 % (by team.yaml); measured ")

	require.NoError(t, os.WriteFile(bounds, []byte(strings.Replace(entry, "failures", "failure", 1)), 0o600))
	cmd, out, errOut = suite(t, nil, test, "-bg.replay="+dir, "-bg.thresholds="+bounds)
	require.Error(t, cmd.Run(), "%s%s", out, errOut)
	assert.Contains(t, errOut.String(), "team.yaml: failure at most 99 % in idleclose/TestPostIsNotSentAgain/*: matches no promise")
}

// verdict is the verdict.json of a folder.
func verdict(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "verdict.json"))
	require.NoError(t, err)
	return string(text)
}

// A dry run starts nothing, needs no engine, and prints the same schedules for the same seed, byte for byte.
func TestDryRun(t *testing.T) {
	t.Parallel()
	dry := func(seed string) string {
		cmd, out, errOut := suite(t, nil, "-bg.dry", "-bg.seed="+seed, "-bg.gateway=all")
		require.NoError(t, cmd.Run(), errOut)
		return out.String()
	}
	first := dry("7")
	assert.Contains(t, first, "scenario idleclose/TestPostIsNotSentAgain/default-fin, schedule seed 645815520\n")
	assert.Contains(t, first, "fault  close-on-reuse by FIN on orders, until the end of the load\n")
	assert.Contains(t, first, "      40ms  aoi2g0-2  POST /orders\n")
	assert.Contains(t, first, "\n       client ----- gateway --+-- orders-1\n                              +-- orders-2\n")
	assert.Contains(t, first, "\n       ############################################################   close-on-reuse by FIN on orders\n")
	assert.Equal(t, first, dry("7"))
	assert.NotEqual(t, first, dry("8"))

	cmd, out, errOut := suite(t, nil, "-test.run=^TestPostIsNotSentAgain$/^default-fin$", "-bg.dry=brief", "-bg.seed=7")
	require.NoError(t, cmd.Run(), errOut)
	assert.Contains(t, out.String(), "      80ms  aoi2g0-3  POST /orders\n       ... and 47 more\n")
}

// A replay that finds nothing to judge is no success.
func TestReplayOfNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, _, errOut := suite(t, nil, "-test.run=^TestRace$", "-bg.replay="+dir)
	require.Error(t, cmd.Run())
	assert.Contains(t, errOut.String(), "nothing was judged: "+dir+" has no facts of the selected tests and gateways")
}

// Ctrl-C ends a run soon, with everything taken down and a failure.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, out, errOut := suite(t, nil, "-test.run=^TestRace$", "-bg.out="+dir)
	require.NoError(t, cmd.Start())
	awaitFile(t, filepath.Join(dir, "idleclose/TestRace/GET-before/stdlib/gateway.log"))
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	began := time.Now()
	err := cmd.Wait()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 1, exit.ExitCode())
	assert.Less(t, time.Since(began), 5*time.Second, "the loads alone take 10 s")
	assert.Contains(t, errOut.String(), "interrupted; everything that was started has been taken down")
	assert.Contains(t, out.String(), "interrupted")
}

// A run that was interrupted and is resumed runs what is missing, with the seed that it had, and nothing else.
func TestResume(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := []string{"-test.run=^TestPostIsNotSentAgain$", "-test.parallel=1", "-bg.out=" + dir, "-bg.keep=always"}
	cmd, out, errOut := suite(t, nil, args...)
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { results, _ := reports.LoadAll(dir); return len(results) >= 2 }, 30*time.Second, 5*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	require.Error(t, cmd.Wait(), "%s%s", out, errOut)
	ran := map[string]time.Time{}
	var seed uint64
	results, err := reports.LoadAll(dir)
	require.NoError(t, err)
	missing := 0
	for _, r := range results {
		if r.NotRun != "" {
			missing++
			continue
		}
		ran[r.Scenario], seed = r.Case.Began, r.Seed
	}
	require.GreaterOrEqual(t, len(ran), 2)
	require.Positive(t, missing, "the interruption came in time")

	cmd, out, errOut = suite(t, nil, append(args, "-bg.resume")...)
	require.NoError(t, cmd.Run(), "%s%s", out, errOut)
	results, err = reports.LoadAll(dir)
	require.NoError(t, err)
	for _, r := range results {
		assert.Equal(t, seed, r.Seed, r.Scenario)
		require.NotNil(t, r.Case, "%s was not run: %s", r.Scenario, r.NotRun)
		if began, was := ran[r.Scenario]; was {
			assert.Equal(t, began, r.Case.Began, "%s was run once", r.Scenario)
		}
	}
	assert.Contains(t, out.String(), fmt.Sprintf("seed %d", seed))
	assert.NotContains(t, out.String(), "not run", "the table has what was there and what was missing")

	cmd, _, errOut = suite(t, nil, append(args, "-bg.resume", "-bg.profile=smoke")...)
	require.Error(t, cmd.Run())
	assert.Contains(t, errOut.String(), "-bg.resume: the run in "+filepath.Join(dir, "idleclose")+" is of the profile ci")
	cmd, _, errOut = suite(t, nil, append(args, "-bg.resume", "-bg.seed=1234567")...)
	require.Error(t, cmd.Run())
	assert.Contains(t, errOut.String(), fmt.Sprintf(" has the seed %d", seed))
}

// The shards of a run have all of it, and nothing twice.
func TestShards(t *testing.T) {
	t.Parallel()
	dir, times := t.TempDir(), map[string]int{}
	for part := 1; part <= 3; part++ {
		cmd, out, errOut := suite(t, nil, "-test.run=^TestClientConnections$", "-bg.gateway=stdlib,nginx@all",
			fmt.Sprintf("-bg.shard=%d/3", part), "-bg.out="+filepath.Join(dir, strconv.Itoa(part)))
		require.NoError(t, cmd.Run(), "%s%s", out, errOut)
	}
	results, err := reports.LoadAll(dir)
	require.NoError(t, err)
	for _, r := range results {
		times[r.Scenario+" on "+r.Gateway]++
	}
	assert.Len(t, times, 10, "two scenarios on five gateways")
	for what, n := range times {
		assert.Equal(t, 1, n, what)
	}
}

// Suites of one run that draw their seeds at the same time come to have the same.
func TestOneSeedForARun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seeds := make(chan uint64)
	for n := range 20 {
		go func() {
			seed, err := harness.SeedOfRun(dir, uint64(n))
			assert.NoError(t, err)
			seeds <- seed
		}()
	}
	first := <-seeds
	for range 19 {
		assert.Equal(t, first, <-seeds)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 1)
}

// A killed run leaves what it saw.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, _, _ := suite(t, nil, "-test.run=^TestRace$", "-bg.out="+dir)
	require.NoError(t, cmd.Start())
	facts := filepath.Join(dir, "idleclose/TestRace/GET-before/stdlib")
	assert.Eventually(t, func() bool { return strings.Contains(record.Remains(facts), "requests can be read, 0 of them failed") },
		30*time.Second, 50*time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	_, err := record.Load(facts)
	require.ErrorContains(t, err, "the run was broken off")
}

func awaitFile(t *testing.T, path string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("never came: ", path)
		}
	}
}

// The smoke profile leaves out what is not part of it, and a longer one has everything of a shorter one.
func TestProfiles(t *testing.T) {
	t.Parallel()
	for profile, runs := range map[string]bool{"smoke": false, "ci": true, "nightly": true} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			cmd, out, errOut := suite(t, nil, "-test.v", "-test.run=^TestClientConnections$", "-bg.dry", "-bg.profile="+profile)
			require.NoError(t, cmd.Run(), errOut)
			if runs {
				assert.Contains(t, out.String(), "scenario idleclose/TestClientConnections/per-request,")
				return
			}
			assert.Contains(t, out.String(), "part of the ci profile, and this is smoke")
			assert.NotContains(t, out.String(), "scenario idleclose/TestClientConnections")
		})
	}
}
