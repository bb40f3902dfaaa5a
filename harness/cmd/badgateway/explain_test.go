package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/topology"
)

// This one compiles a suite.
func TestExplain(t *testing.T) {
	t.Parallel()
	var out, errOut strings.Builder
	args := []string{"explain", "idleclose/TestRace/POST-before", "--gateway", "stdlib,nginx@1.18", "--seed", "7"}
	require.Equal(t, exitOK, run(t.Context(), args, &out, &errOut), errOut.String())
	for _, want := range []string{
		"idleclose/TestRace: scenario, in the profile ci\nsuites/idleclose/timeout_test.go:",
		"\n\n  The race on every connection that has been idle for too long, and its fix (catalogue A1): the fix leaves the fault no\n  connection to bite.\n",
		"\nscenario idleclose/TestRace/POST-before, schedule seed ",
		"\n       client ----- gateway --+-- orders-1\n",
		"\n       ############################################################   close-on-reuse by FIN after 50ms idle on orders\n",
		"\nexpect failures during close-on-reuse by FIN after 50ms idle on orders: none\n",
		"\n       ... and more, each after the answer to the one before\n\nknown deviations:\n",
		"\n  stdlib (all versions)\n    breaks   failures in idleclose/TestRace/POST-before: 502\n    happens  a POST that meets the backend's idle timeout fails with 502\n",
		"\n  nginx@1.18 (all versions)\n    breaks   ",
		"\n    source   ngx_http_upstream_keepalive_module.c\n",
	} {
		assert.Contains(t, out.String(), want)
	}
	assert.Equal(t, 1, strings.Count(out.String(), "\nscenario "))
	assert.NotContains(t, out.String(), "haproxy")
	assert.True(t, strings.HasSuffix(out.String(), "\nrun it:\n  go test ./suites/idleclose -run '^TestRace$/^POST-before$' -bg.gateway=stdlib\n"), out.String())
	assert.Empty(t, errOut.String())
}

// An inspection has no schedule, and nothing is compiled for it.
func TestExplainAnInspection(t *testing.T) {
	t.Parallel()
	var out, errOut strings.Builder
	require.Equal(t, exitOK, run(t.Context(), []string{"explain", "contract/TestCapabilities"}, &out, &errOut), errOut.String())
	assert.Contains(t, out.String(), "Each claimed capability is proved by")
	assert.Contains(t, out.String(), "It is an inspection")
	assert.Contains(t, out.String(), "go test ./suites/contract -run '^TestCapabilities$' -bg.gateway=stdlib\n")
}

func TestSplitTest(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][3]string{
		"idleclose/TestRace":          {"idleclose", "TestRace", ""},
		"field/uwsgi/TestRetries/a/b": {"field/uwsgi", "TestRetries", "a/b"},
		"Testing/x":                   {"Testing/x", "", ""},
		"TestRace":                    {"", "TestRace", ""},
	} {
		suite, test, rest := splitTest(name)
		assert.Equal(t, want, [3]string{suite, test, rest}, name)
	}
}

// A test is told of what is known of any of its scenarios, a scenario of what is known of it alone.
func TestAbout(t *testing.T) {
	t.Parallel()
	known := gateways.Known{Scenarios: []string{"a/TestB/POST-*", "a/TestC"}}
	for name, want := range map[string]bool{
		"a/TestB": true, "a/TestB/POST-x": true, "a/TestB/GET": false, "a/TestC": true, "a/TestD": false, "a/TestC/sub": false,
	} {
		assert.Equal(t, want, about(known, name), name)
	}
}

// Which version a gateway has shows when it runs: a deviation counts that some version of its line has.
func TestMayMeet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		line     string
		versions string
		variant  string
		want     bool
	}{
		"all":                  {"1.18", "all", "", true},
		"older":                {"1.26", ">=1.29.7", "", false},
		"of the line":          {"1.29", ">=1.29.7", "", true},
		"newer":                {"1.30", ">=1.29.7", "", true},
		"gone within the line": {"1.29", "<1.29.7", "", true},
		"gone":                 {"1.30", "<1.29.7", "", false},
		"of another variant":   {"3.6", "all", "fast", false},
		"with a suffix":        {"2.4-trixie", ">=2.4.60", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gateways.Gateway{Folder: &gateways.Folder{}, Line: topology.Version(c.line)}
			k := gateways.Known{Versions: topology.VersionRange(c.versions), Variant: c.variant}
			assert.Equal(t, c.want, mayMeet(g, k))
		})
	}
}

// A deviation is told once, with all the selected lines that it is known of, and with the scenarios of the test alone.
func TestDeviations(t *testing.T) {
	t.Parallel()
	selected, err := selectGateways("nginx@1.30,nginx@1.18,stdlib")
	require.NoError(t, err)
	all := deviations(selected, "idleclose/TestPostIsNotSentAgain")
	require.NotEmpty(t, all)
	var out strings.Builder
	writeDeviations(&out, "idleclose/TestPostIsNotSentAgain", all)
	assert.Contains(t, out.String(), "\n  nginx@1.30 (>=1.29.7)\n    breaks   failures in idleclose/TestPostIsNotSentAgain/default-*: 502\n")
	assert.NotContains(t, out.String(), "TestOutcomes")

	out.Reset()
	writeDeviations(&out, "a/TestB", deviations(selected, "a/TestB"))
	assert.Equal(t, "\nknown deviations: none is written down\n", out.String())
}
