package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// night is what is asked of a nightly run.
type night struct {
	gateways, profile, out, seed, shard string
	suites                              []string
	held                                *os.File
	parallel, kept                      int
}

const (
	nightPrefix = "nightly-"
	// nightFile says what was asked of a night, finishedFile that a night has nothing left to run.
	nightFile    = "nightly.json"
	finishedFile = "finished"
	trendFolder  = "trend"
)

func newNightlyCommand() *cobra.Command {
	n := night{parallel: 3, kept: 30}
	cmd := &cobra.Command{
		Use:   "nightly [SELECTION]",
		Short: "run everything long and strictly, or go on with what was interrupted; keep the trend",
		Long: `nightly has go test run all suites on all gateways, or on a SELECTION, in the nightly profile, strictly: a gateway that
cannot be had is red, and so is a known deviation that is gone. It prints a fresh seed, renders the run, keeps a small file
of it for the trend, and says what has changed. The facts of what was not green are kept, those of the rest are not, and of
the nights themselves the last 30.
A night that was interrupted is gone on with: what has a result is not run again. To share a night out over several
machines give each a --shard; report takes the folders of all of them together. It never runs anything twice to get it green.`,
		Example: `  badgateway nightly
  badgateway nightly nginx@all,haproxy@all --suite idleclose,churn
  badgateway nightly --shard 2/4 --seed 20261122 --out night`,
		Args:              takes("[SELECTION]"),
		ValidArgsFunction: completeThen(completeSelection),
		RunE: func(cmd *cobra.Command, args []string) error {
			n.gateways = selectionOf(args)
			code, err := n.run(cmd)
			return errors.Join(err, ended(code))
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&n.suites, "suite", nil, "`SUITES` to run (default: all)")
	f.StringVar(&n.profile, "profile", "nightly", "how much to run: smoke, ci or nightly")
	f.StringVar(&n.out, "out", "", "`FOLDER` of the night (default: the last one that was not finished, else a new one)")
	f.StringVar(&n.seed, "seed", "", "seed (default: a fresh one, printed)")
	f.StringVar(&n.shard, "shard", "1/1", "run one part of so many, as 2/4")
	f.IntVar(&n.parallel, "parallel", n.parallel, "how many scenarios of a suite run beside each other")
	f.IntVar(&n.kept, "keep", n.kept, "how many finished nights stay; the trend keeps all of them in small")
	return cmd
}

func (n *night) run(cmd *cobra.Command) (int, error) {
	if err := knownProfile(cmd, n.profile); err != nil {
		return 0, err
	}
	if _, err := selectGateways(n.gateways); err != nil {
		return 0, misused(cmd, "%v", err)
	}
	m, err := here()
	if err != nil {
		return 0, err
	}
	packages, err := m.packages(cmd.Context(), &n.suites, func(suite) bool { return true })
	if err != nil {
		return 0, err
	}
	if n.out, err = n.folder(); err != nil {
		return 0, err
	}
	out := cmd.OutOrStdout()
	if n.held, err = hold(n.out); err != nil {
		return 0, err
	}
	defer func() { _ = n.held.Close() }()
	if err := n.begin(cmd); err != nil {
		return 0, err
	}
	began := time.Now()
	args := append(packages, "-p=1", fmt.Sprintf("-parallel=%d", n.parallel), "-timeout=0", "-bg.gateway="+n.gateways,
		"-bg.profile="+n.profile, "-bg.out="+n.out, "-bg.shard="+n.shard, "-bg.resume", "-bg.strict")
	if n.seed != "" {
		args = append(args, "-bg.seed="+n.seed)
	}
	failed := goTestHolding(cmd.Context(), n.held, m.root, out, cmd.ErrOrStderr(), args...)
	if err := cmd.Context().Err(); err != nil {
		fmt.Fprintf(out, "badgateway: interrupted; the same command goes on with %s\n", n.out)
		return 0, err
	}
	return n.conclude(cmd, began, failed)
}

// asked is what a night is of. It is kept in its folder, so that it is only gone on with as the same.
type asked struct {
	Gateways string `json:"gateways"`
	Profile  string `json:"profile"`
	Shard    string `json:"shard"`
	Suites   string `json:"suites"`
}

func (n *night) asked() asked {
	return asked{n.gateways, n.profile, n.shard, strings.Join(n.suites, ",")}
}

// begin makes the folder of the night, or goes on with the one that is in it.
func (n *night) begin(cmd *cobra.Command) error {
	var before asked
	path := filepath.Join(n.out, nightFile)
	switch err := record.ReadJSON(path, &before); {
	case errors.Is(err, fs.ErrNotExist):
		return record.WriteJSON(path, n.asked())
	case err != nil:
		return err
	case before != n.asked():
		return misused(cmd, "%s is a night of other things: gateways %s, profile %s, shard %s, suites %s",
			n.out, before.Gateways, before.Profile, before.Shard, before.Suites)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "badgateway: going on with %s\n", n.out)
	return nil
}

// conclude renders the night, keeps it in the trend, and lets old nights go.
func (n *night) conclude(cmd *cobra.Command, began time.Time, failed error) (int, error) {
	out := cmd.OutOrStdout()
	run, err := reports.Collect(n.out)
	if err != nil && failed == nil {
		fmt.Fprintf(out, "badgateway: there is nothing of the profile %s in the shard %s\n", n.profile, n.shard)
		return exitOK, nil
	}
	if err != nil {
		return 0, fmt.Errorf("nothing was run (%w); go test says above why", failed)
	}
	fmt.Fprintln(out)
	if err := show(out, run); err != nil {
		return 0, err
	}
	if missing := unfinished(run, n.suites, began); len(missing) > 0 {
		return 0, fmt.Errorf("the night is not finished: %s did not run to the end, and go test says above why", strings.Join(missing, ", "))
	}
	dir := filepath.Join(filepath.Dir(n.out), trendFolder)
	if _, err := run.Point().Keep(dir); err != nil {
		return 0, err
	}
	if err := trend(out, dir); err != nil {
		return 0, err
	}
	if err := os.WriteFile(filepath.Join(n.out, finishedFile), nil, 0o644); err != nil {
		return 0, err
	}
	code := codeOfRun(run)
	if code == exitOK && failed != nil { // a gateway that cannot be had
		code = exitFailed
	}
	return code, n.forget(filepath.Dir(n.out))
}

// unfinished names those suites that have not said that they ran since go test was begun: they do not compile, or refused to.
func unfinished(run reports.Run, suites []string, began time.Time) (missing []string) {
	for _, name := range suites {
		if !slices.ContainsFunc(run.Suites, func(e reports.Environment) bool { return e.Suite == name && !e.Ended.Before(began) }) {
			missing = append(missing, name)
		}
	}
	return missing
}

// folder is the one that was named, or the last night that was not finished, or a new one.
func (n *night) folder() (string, error) {
	if n.out != "" {
		return filepath.Abs(n.out)
	}
	runs, err := filepath.Abs(runFolder())
	if err != nil {
		return "", err
	}
	nights, err := filepath.Glob(filepath.Join(runs, nightPrefix+"*"))
	if err != nil {
		return "", err
	}
	slices.Sort(nights)
	if len(nights) > 0 {
		last := nights[len(nights)-1]
		var before asked
		if err := record.ReadJSON(filepath.Join(last, nightFile), &before); err == nil && before == n.asked() && !finished(last) {
			return last, nil
		}
	}
	return filepath.Join(runs, nightPrefix+time.Now().Format("20060102-150405")), nil
}

func finished(night string) bool {
	_, err := os.Stat(filepath.Join(night, finishedFile))
	return err == nil
}

// forget removes the oldest finished nights beyond those that stay.
func (n *night) forget(runs string) error {
	nights, err := filepath.Glob(filepath.Join(runs, nightPrefix+"*"))
	if err != nil {
		return err
	}
	nights = slices.DeleteFunc(nights, func(night string) bool { return !finished(night) })
	slices.SortFunc(nights, func(a, b string) int { return cmp.Or(strings.Compare(b, a)) })
	for _, old := range nights[min(max(n.kept, 1), len(nights)):] {
		if err := os.RemoveAll(old); err != nil {
			return err
		}
	}
	return nil
}
