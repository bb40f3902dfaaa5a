package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newExplainCommand() *cobra.Command {
	var selection, profile, seed string
	cmd := &cobra.Command{
		Use:   "explain SUITE/TEST",
		Short: "say what a test does and promises, and what gateways are known to do to it",
		Long: `explain prints a test's whole comment, where it stands, and for each of its scenarios the topology, the schedule of its
load and faults over time, the policy and the promises with their bounds; then the deviations that are written down of the
gateways, and the command that runs it. A scenario of several can be named: SUITE/TEST/SCENARIO.
Over the time axis "=" is load at its fullest, "-" and "." are less; "#" is when a fault acts, and "?" when it may, because
it begins or ends with an event.
It has go test compile the suite for a dry run. It never starts a gateway, never sends a request, and never writes a run.`,
		Example: `  badgateway explain idleclose/TestRace
  badgateway explain idleclose/TestRace/POST-before --gateway nginx@1.30
  badgateway explain churn/TestReloadUnderKeepAlive --profile nightly`,
		Args:              takes("SUITE/TEST"),
		ValidArgsFunction: completeThen(completeTest),
		RunE: func(cmd *cobra.Command, args []string) error {
			return explain(cmd, args[0], cmp.Or(selection, "all"), profile, seed)
		},
	}
	cmd.Flags().StringVar(&selection, "gateway", "", "tell only what is known of this `SELECTION` (default all)")
	cmd.Flags().StringVar(&profile, "profile", "", "explain what this `PROFILE` runs: smoke, ci or nightly (default ci, or the smallest that has the test)")
	cmd.Flags().StringVar(&seed, "seed", "1", "the seed of the schedule")
	_ = cmd.RegisterFlagCompletionFunc("gateway", completeFlag(completeSelection)) // the flags are there
	_ = cmd.RegisterFlagCompletionFunc("profile", cobra.FixedCompletions([]string{"smoke", "ci", "nightly"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// splitTest splits the name of a scenario, as "field/uwsgi/TestLogin/two": the suite, the test, and the rest.
func splitTest(name string) (suite, test, rest string) {
	parts := strings.Split(name, "/")
	i := slices.IndexFunc(parts, isTest)
	if i < 0 {
		return name, "", ""
	}
	return path.Join(parts[:i]...), parts[i], path.Join(parts[i+1:]...)
}

func explain(cmd *cobra.Command, name, selection, profile, seed string) error {
	suiteName, testName, rest := splitTest(strings.TrimSuffix(name, "/"))
	if suiteName == "" || testName == "" {
		return misused(cmd, "explain: %q is no SUITE/TEST, as idleclose/TestRace", name)
	}
	if profile != "" && profileTyped[profile] == 0 {
		return misused(cmd, "explain: unknown profile %q, want smoke, ci or nightly", profile)
	}
	selected, err := selectGateways(selection)
	if err != nil {
		return usageError{err.Error()}
	}
	m, err := here()
	if err != nil {
		return err
	}
	s, err := m.find(cmd.Context(), suiteName)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(s.Tests, func(t test) bool { return t.Name == testName })
	if i < 0 {
		var names []string
		for _, t := range s.Tests {
			names = append(names, t.Name)
		}
		return unlisted("the suite %s has no test %q%s", s.Name, testName, didYouMean(testName, names))
	}
	t, out := s.Tests[i], cmd.OutOrStdout()
	writeTest(out, s, t)
	pattern := runPattern(testName, rest)
	if !slices.Equal(t.Kinds, []string{inspection}) {
		dry, err := dryRun(cmd.Context(), m, s, pattern, cmp.Or(profile, t.explained()), seed)
		if err != nil {
			return err
		}
		if dry == "" {
			return usageError{fmt.Sprintf("nothing of %s is run in the profile %s: say --profile nightly", name, cmp.Or(profile, t.explained()))}
		}
		fmt.Fprint(out, dry)
	} else {
		fmt.Fprintln(out, "\nIt is an inspection: it does one thing after another and looks at what comes of it. It has no schedule.")
	}
	writeDeviations(out, path.Join(suiteName, testName, rest), deviations(selected, path.Join(suiteName, testName, rest)))
	fmt.Fprintf(out, "\nrun it:\n  go test %s -run '%s' -bg.gateway=stdlib%s\n", s.Package, pattern, t.needs())
	return nil
}

// explained is the profile in which a test is explained: that of a plain go test, if it is part of it.
func (t test) explained() string {
	if t.Profile == "nightly" {
		return t.Profile
	}
	return "ci"
}

// needs is what go test must be told for the test to be run.
func (t test) needs() string {
	if t.explained() == "ci" {
		return ""
	}
	return " -bg.profile=" + t.explained()
}

// writeTest writes where a test stands, and its comment.
func writeTest(w io.Writer, s suite, t test) {
	fmt.Fprintf(w, "%s/%s: %s", s.Name, t.Name, strings.Join(t.Kinds, " and "))
	if t.Profile != "" {
		fmt.Fprintf(w, ", in the profile %s", t.Profile)
	}
	fmt.Fprintf(w, "\n%s:%d\n", path.Join(s.Folder, t.File), t.Line)
	if t.doc != "" {
		fmt.Fprintf(w, "\n  %s\n", strings.ReplaceAll(strings.TrimSpace(t.doc), "\n", "\n  "))
	}
}

// runPattern is what -run is told to run a test, or one scenario of it.
func runPattern(test, rest string) string {
	parts := []string{test}
	if rest != "" {
		parts = append(parts, strings.Split(rest, "/")...)
	}
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}

// dryRun is what the suite prints of what the scenarios would do; nothing if it would run none.
func dryRun(ctx context.Context, m module, s suite, pattern, profile, seed string) (string, error) {
	var out, errOut bytes.Buffer
	err := goTest(ctx, m.root, &out, &errOut,
		s.Package, "-v", "-run="+pattern, "-bg.dry=brief", "-bg.gateway=stdlib", "-bg.profile="+profile, "-bg.seed="+seed)
	if err != nil {
		return "", fmt.Errorf("go test: %w\n%s%s", err, errOut.String(), out.String())
	}
	// The suite prints the schedules when all tests have ended, and go test one line of its own behind them.
	_, text, found := strings.Cut(out.String(), "\n\nscenario ")
	if !found {
		return "", nil
	}
	text, _, _ = strings.Cut(text, "\nok  \t")
	return "\nscenario " + text + "\n", nil
}
