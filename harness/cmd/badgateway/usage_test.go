package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/reports"
)

// A mistake is one line that says what was meant and where help is, and nothing is done.
func TestMistakesAreOneLine(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"repot x":                     `unknown command "repot" (did you mean report?); see badgateway --help`,
		"help jugde":                  `unknown command "jugde" (did you mean judge?); see badgateway --help`,
		"completion bsh":              `unknown shell "bsh" (did you mean bash`,
		"xyzzy":                       `unknown command "xyzzy"; see badgateway --help`,
		"--versio":                    `unknown flag --versio; see badgateway --help`,
		"list --jsn":                  `unknown flag --jsn (did you mean --json?); see badgateway list --help`,
		"judge run -bg.strict":        `unknown flag -bg.strict, which is one of go test; see badgateway judge --help`,
		"judge run --bg.strict":       `unknown flag --bg.strict, which is one of go test; see badgateway judge --help`,
		"report":                      `report: no RUN given; see badgateway report --help`,
		"matrix":                      `matrix: no RUN given; see badgateway matrix --help`,
		"matrix a b c":                `matrix: unexpected argument "c"; see badgateway matrix --help`,
		"clean all":                   `clean: unexpected argument "all"; see badgateway clean --help`,
		"judge -- -v":                 `judge: no DIR given; see badgateway judge --help`,
		"explain idleclose":           `explain: "idleclose" is no SUITE/TEST, as idleclose/TestRace; see badgateway explain --help`,
		"explain a/TestB --profile c": `explain: unknown profile "c", want smoke, ci or nightly; see badgateway explain --help`,
		"explain idlclose/TestRace":   `(did you mean idleclose?); see badgateway list`,
		"explain idleclose/TestRac":   `the suite idleclose has no test "TestRac" (did you mean TestRace?); see badgateway list`,
		"list idleclos":               `no suite and no test matches "idleclos" (did you mean idleclose`,
		"list [":                      `"[" is no pattern`,
		"gateways nginks":             `unknown gateway "nginks", want apisix, `,
		"judge nowhere":               `/nowhere is no folder`,
	} {
		t.Run(typed, func(t *testing.T) {
			t.Parallel()
			var out, errOut strings.Builder
			assert.Equal(t, exitUsage, run(t.Context(), strings.Fields(typed), &out, &errOut))
			assert.Empty(t, out.String())
			line := strings.TrimSuffix(errOut.String(), "\n")
			assert.NotContains(t, line, "\n")
			assert.True(t, strings.HasPrefix(line, "badgateway: "), line)
			assert.Contains(t, line, want)
		})
	}
}

// Every command says in a line what it is for, at length what it does and what it never does, and its examples can be typed.
func TestHelp(t *testing.T) {
	t.Parallel()
	complete := func() *cobra.Command {
		root := newRootCommand()
		completeShells(root)
		return root
	}
	for _, c := range complete().Commands() {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			assert.NotEmpty(t, c.Short)
			assert.NotContains(t, c.Short, "\n")
			assert.Contains(t, c.Long, "ever ", "what it never does")
			require.NotEmpty(t, c.Example)
			for line := range strings.Lines(c.Example) {
				words := strings.Fields(strings.ReplaceAll(line, "'", ""))
				require.Equal(t, "badgateway", words[0])
				root := complete()
				found, args, err := root.Find(words[1:])
				require.NoError(t, err)
				assert.Contains(t, found.CommandPath(), c.CommandPath())
				require.NoError(t, found.ParseFlags(args), line)
				require.NoError(t, found.ValidateArgs(found.Flags().Args()), line)
				assertKnown(t, found)
			}
			var out, errOut strings.Builder
			assert.Equal(t, exitOK, run(t.Context(), []string{c.Name(), "--help"}, &out, &errOut))
			assert.Contains(t, out.String(), c.Long)
			assert.Contains(t, out.String(), c.Example)
			assert.Empty(t, errOut.String())
		})
	}
}

// assertKnown checks that an example names tests and gateways that there are.
func assertKnown(t *testing.T, cmd *cobra.Command) {
	t.Helper()
	args := cmd.Flags().Args()
	switch cmd.Name() {
	case "gateways", "images":
		_, err := selectGateways(selectionOf(args))
		require.NoError(t, err)
	case "explain", "list":
		m, err := here()
		require.NoError(t, err)
		all, err := m.suites()
		require.NoError(t, err)
		pattern := ""
		if len(args) > 0 {
			suite, test, _ := splitTest(args[0])
			pattern = filepath.ToSlash(filepath.Join(suite, test))
		}
		_, err = matching(all, pattern)
		require.NoError(t, err)
	}
}

func TestHelpOfACommand(t *testing.T) {
	t.Parallel()
	var byFlag, byCommand, errOut strings.Builder
	assert.Equal(t, exitOK, run(t.Context(), []string{"judge", "--help"}, &byFlag, &errOut))
	assert.Equal(t, exitOK, run(t.Context(), []string{"help", "judge"}, &byCommand, &errOut))
	assert.Equal(t, byFlag.String(), byCommand.String())
	var root strings.Builder
	assert.Equal(t, exitOK, run(t.Context(), []string{"help"}, &root, &errOut))
	assert.Contains(t, root.String(), "Exit codes:")
	assert.Empty(t, errOut.String())
}

// The gravest ruling counts, and the harness's failure more than any of a gateway's.
func TestCodeOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rulings []expect.Ruling
		strict  bool
		want    int
	}{
		"nothing":      {nil, false, exitOK},
		"green":        {[]expect.Ruling{expect.Pass, expect.Known, expect.KnownGone}, false, exitOK},
		"strict":       {[]expect.Ruling{expect.Pass, expect.KnownGone}, true, exitFailed},
		"inconclusive": {[]expect.Ruling{expect.Inconclusive, expect.Pass}, false, exitInconclusive},
		"fail":         {[]expect.Ruling{expect.Fail, expect.Inconclusive}, false, exitFailed},
		"fail later":   {[]expect.Ruling{expect.Inconclusive, expect.Fail}, false, exitFailed},
		"error":        {[]expect.Ruling{expect.Inconclusive, expect.Fail, expect.Error, expect.Fail}, false, exitHarness},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			results := []reports.Result{{NotRun: "no engine"}} // inconclusive, if it counted
			for _, r := range c.rulings {
				results = append(results, reports.Result{Ruling: r})
			}
			assert.Equal(t, c.want, codeOf(results, c.strict))
		})
	}
}
