package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// comparing is what is asked of a comparison. It is kept in the folder, so that the same command can go on with it.
type comparing struct {
	Old     string   `json:"old"`
	New     string   `json:"new"`
	Suites  []string `json:"suites"`
	Test    string   `json:"test,omitempty"`
	Profile string   `json:"profile"`
	Rounds  int      `json:"rounds"`
	Seed    uint64   `json:"seed"`

	out        string
	held       *os.File
	parallel   int
	failOnBad  bool
	everything bool
}

const (
	askedFile     = "compare.json"
	defaultRounds = 5
)

func newCompareCommand() *cobra.Command {
	c := comparing{parallel: 3}
	cmd := &cobra.Command{
		Use:   "compare OLD NEW",
		Short: "run two versions of a gateway in turns and say what is different, or compare two saved runs",
		Long: `compare has go test run the scenarios on OLD and on NEW, in turns on this machine, round by round with the same seeds, and
says what is different: first, in words, what one of them does and the other never did; then every metric that differs, with
its interval and p. Shares are compared by Fisher's exact test and by how much rounds vary, times by Mann and Whitney's, and
all of them together give a false alarm in 5 % of comparisons at most (Holm). Beside each stands what would have been needed
for it alone to differ. Red scenarios are no failure here: two versions may fail alike.

OLD and NEW are each a gateway (nginx@1.26, ./my-gateway), or each a saved run: a folder with the results of one or several
rounds, or a results.json. With --fail-on-worse the exit code is 1 if anything is worse, and 4
if nobody knows: if the new one did not run what the old one did, or results cannot be read.`,
		Example: `  badgateway compare nginx@1.26 nginx@1.30 --suite idleclose
  badgateway compare nginx@1.26 nginx@1.30 --suite idleclose,churn --rounds 8 --out reports/runs/upgrade
  badgateway compare reports/runs/monday reports/runs/tuesday --fail-on-worse`,
		Args:              takes("OLD", "NEW"),
		ValidArgsFunction: completeThen(completeSelection, completeSelection),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Old, c.New = args[0], args[1]
			return c.run(cmd)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&c.Suites, "suite", nil, "`SUITES` to run (default: all that have scenarios)")
	f.StringVar(&c.Test, "run", "", "only tests that match this `PATTERN`, as go test -run")
	f.StringVar(&c.Profile, "profile", "ci", "how much to run: smoke, ci or nightly")
	f.IntVar(&c.Rounds, "rounds", defaultRounds, "how often each is run; times need at least 4 to be compared at all")
	f.Uint64Var(&c.Seed, "seed", 0, "seed of the first round (default: a fresh one, printed)")
	f.StringVar(&c.out, "out", "", "`FOLDER` of the rounds and of the comparison; with that of one that was interrupted, it goes on")
	f.IntVar(&c.parallel, "parallel", c.parallel, "how many scenarios of a suite run beside each other")
	f.BoolVar(&c.failOnBad, "fail-on-worse", false, "exit with 1 if anything is worse")
	f.BoolVar(&c.everything, "all", false, "print what does not differ, too")
	return cmd
}

func (c *comparing) run(cmd *cobra.Command) error {
	olds, oldErr := isSaved(c.Old)
	news, newErr := isSaved(c.New)
	switch {
	case olds && news:
		return c.compare(cmd, c.Old, c.New)
	case olds || news:
		return misused(cmd, "one is a saved run and the other is not: %s", cmp.Or(oldErr, newErr))
	case c.Rounds < 1 || c.Rounds > 100:
		return misused(cmd, "--rounds %d, want 1 to 100", c.Rounds)
	}
	if err := knownProfile(cmd, c.Profile); err != nil {
		return err
	}
	for _, selection := range []string{c.Old, c.New} {
		switch selected, err := selectGateways(selection); {
		case selection == "":
			return misused(cmd, "no gateway and no saved run is called %q", selection)
		case err != nil:
			return misused(cmd, "%s is no saved run, and as a gateway: %v", selection, err)
		case len(selected) != 1:
			return misused(cmd, "%s are several gateways, want one", selection)
		}
	}
	m, err := here()
	if err != nil {
		return err
	}
	packages, err := m.packages(cmd.Context(), &c.Suites, func(s suite) bool { return s.has(scenario) })
	if err != nil {
		return err
	}
	if err := c.begin(cmd); err != nil {
		return err
	}
	defer func() { _ = c.held.Close() }()
	if err := c.rounds(cmd, m, packages); err != nil {
		return err
	}
	return c.compare(cmd, filepath.Join(c.out, "old"), filepath.Join(c.out, "new"))
}

// isSaved reports whether that is a saved run, and if not, why.
func isSaved(path string) (is bool, why error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, fmt.Errorf("%s is no folder or file", path)
	}
	if !info.IsDir() {
		return true, nil
	}
	err = filepath.WalkDir(path, func(at string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && (entry.Name() == reports.VerdictFile || at == filepath.Join(path, reports.ResultsFile)) {
			is = true
			return fs.SkipAll
		}
		return err
	})
	if err == nil && !is {
		err = fmt.Errorf("%s holds no results", path)
	}
	return is, err
}

// begin makes the folder, or goes on with the comparison that was begun in it.
func (c *comparing) begin(cmd *cobra.Command) error {
	if c.out == "" {
		c.out = filepath.Join(runFolder(), "compare-"+time.Now().Format("20060102-150405"))
	}
	var err error
	if c.held, err = hold(c.out); err != nil {
		return err
	}
	asked := filepath.Join(c.out, askedFile)
	var before comparing
	switch err := record.ReadJSON(asked, &before); {
	case errors.Is(err, fs.ErrNotExist):
		if !cmd.Flags().Changed("seed") {
			c.Seed = rand.Uint64N(1_000_000)
		}
	case err != nil:
		return err
	default:
		if before.Old != c.Old || before.New != c.New || before.Profile != c.Profile || before.Test != c.Test ||
			strings.Join(before.Suites, ",") != strings.Join(c.Suites, ",") || cmd.Flags().Changed("seed") && before.Seed != c.Seed {
			return misused(cmd, "%s holds another comparison: %s with %s, suites %s, profile %s, seed %d",
				c.out, before.Old, before.New, strings.Join(before.Suites, ","), before.Profile, before.Seed)
		}
		c.Seed = before.Seed
	}
	fmt.Fprintf(cmd.OutOrStdout(), "badgateway: %s and %s in turns, %d rounds, suites %s, profile %s, seed %d, in %s\n",
		c.Old, c.New, c.Rounds, strings.Join(c.Suites, ","), c.Profile, c.Seed, c.out)
	return record.WriteJSON(asked, c)
}

// rounds runs both in turns; who comes first changes from round to round, so that what drifts meets both.
func (c *comparing) rounds(cmd *cobra.Command, m module, packages []string) error {
	for round := 1; round <= c.Rounds; round++ {
		sides := [2]string{"old", "new"}
		if round%2 == 0 {
			sides = [2]string{"new", "old"}
		}
		for _, side := range sides {
			gateway := c.Old
			if side == "new" {
				gateway = c.New
			}
			dir, err := filepath.Abs(filepath.Join(c.out, side, fmt.Sprintf("round-%d", round)))
			if err != nil {
				return err
			}
			began := time.Now()
			word, err := c.turn(cmd, m, packages, gateway, dir, c.Seed+uint64(round-1))
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", gateway, round, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "round %d of %d, %s: %s (%s)\n", round, c.Rounds, gateway, word, time.Since(began).Round(time.Second))
		}
	}
	return nil
}

// turn runs the scenarios once on one gateway; what it has run already it does not run again.
func (c *comparing) turn(cmd *cobra.Command, m module, packages []string, gateway, dir string, seed uint64) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	log, err := os.Create(dir + ".log")
	if err != nil {
		return "", err
	}
	args := append(packages, "-p=1", fmt.Sprintf("-parallel=%d", c.parallel), "-timeout=0",
		"-bg.gateway="+gateway, fmt.Sprintf("-bg.seed=%d", seed), "-bg.profile="+c.Profile, "-bg.out="+dir, "-bg.resume")
	if c.Test != "" {
		args = append(args, "-run="+c.Test)
	}
	began := time.Now()
	failed := goTestHolding(cmd.Context(), c.held, m.root, log, log, args...)
	if err := log.Close(); err != nil {
		return "", err
	}
	if err := cmd.Context().Err(); err != nil {
		fmt.Fprintf(cmd.OutOrStdout(), "interrupted; the same command with --out %s goes on from here\n", c.out)
		return "", err
	}
	run, err := reports.Collect(dir)
	switch {
	case err != nil && failed == nil:
		return "", fmt.Errorf("nothing was run: no scenario of %s matches", strings.Join(c.Suites, ", "))
	case err != nil: // without any result it is not the gateway that failed
		return "", fmt.Errorf("nothing was run (%w); go test said: %s", failed, lastLines(dir+".log"))
	}
	if missing := unfinished(run, c.Suites, began); len(missing) > 0 {
		return "", fmt.Errorf("the suite %s was not run; see %s", missing[0], dir+".log")
	}
	return run.Tally(), nil
}

// lastLines are the end of a log, for a message.
func lastLines(path string) string {
	const few = 5
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-few):], "\n")
}

// compare compares saved runs, and keeps the comparison where the rounds are.
func (c *comparing) compare(cmd *cobra.Command, before, after string) error {
	olds, err := reports.Open(before)
	if err != nil {
		return err
	}
	news, err := reports.Open(after)
	if err != nil {
		return err
	}
	comparison, err := reports.Compare(olds, news)
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout())
	if err := comparison.Text(cmd.OutOrStdout(), c.everything); err != nil {
		return err
	}
	if c.out != "" {
		if err := os.MkdirAll(c.out, 0o755); err != nil {
			return err
		}
		path, err := comparison.Save(c.out)
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "kept in", path)
	}
	switch {
	case !c.failOnBad:
		return nil
	case comparison.Count(reports.Worse) > 0:
		return status(exitFailed)
	case comparison.Missing || len(comparison.Problems) > 0: // nobody knows whether it is worse
		return status(exitHarness)
	}
	return nil
}
