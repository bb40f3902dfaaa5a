package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

func newJudgeCommand() *cobra.Command {
	var thresholds, selection string
	cmd := &cobra.Command{
		Use:   "judge DIR [-- FLAGS OF GO TEST]",
		Short: "judge a saved run again, without a gateway",
		Long: `judge finds the suites and gateways whose facts a run's folder holds, and has go test judge them again: with what the
suites promise now, and with other bounds if you name a file of them. DIR is a run's folder, or that of one suite in it.
Its exit code is that of the run (badgateway --help lists them). A run keeps the facts of what failed only, unless it was
run with -bg.keep=always.
It never starts a gateway, never sends a request, and never changes the saved run.`,
		Example: `  badgateway judge reports/runs/20261122-013000
  badgateway judge reports/runs/20261122-013000 --thresholds thresholds.yaml
  badgateway judge reports/runs/20261122-013000/idleclose -- -run TestRace -v`,
		Args: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash >= 0 {
				args = args[:dash]
			}
			return takes("DIR")(cmd, args)
		},
		ValidArgsFunction: completeThen(completeRun),
		RunE: func(cmd *cobra.Command, args []string) error {
			code, err := judge(cmd, args[0], selection, thresholds, args[1:])
			if err != nil {
				return err
			}
			return ended(code)
		},
	}
	cmd.Flags().StringVar(&thresholds, "thresholds", "", "a `FILE` of bounds that take the place of the scenarios' own")
	cmd.Flags().StringVar(&selection, "gateway", "", "judge only what was seen of this `SELECTION`; also where a gateway of your own lies")
	_ = cmd.RegisterFlagCompletionFunc("gateway", completeFlag(completeSelection)) // the flag is there
	return cmd
}

// saved is what can be judged again of a run.
type saved struct {
	// tests are those with facts, by suite, and gateways those that they are of.
	tests    map[string]map[string]bool
	gateways map[string]bool
	// profile is the longest in which one of the suites was run, and selected what was selected for them.
	profile  profiles
	selected map[string]bool
}

// readSaved finds the facts below a folder.
func readSaved(dir string) (saved, error) {
	s := saved{tests: map[string]map[string]bool{}, gateways: map[string]bool{}, selected: map[string]bool{}}
	err := filepath.WalkDir(dir, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		switch entry.Name() {
		case record.CaseFile:
			var c record.Case
			if err := record.ReadJSON(at, &c); err != nil {
				return err
			}
			suite, test, _ := splitTest(c.Scenario)
			if s.tests[suite] == nil {
				s.tests[suite] = map[string]bool{}
			}
			s.tests[suite][test], s.gateways[c.Gateway] = true, true
		case reports.EnvironmentFile:
			var r reports.Environment
			if err := record.ReadJSON(at, &r); err != nil {
				return err
			}
			s.profile = max(s.profile, profileTyped[r.Profile])
			for word := range strings.SplitSeq(r.Gateways, ",") {
				s.selected[strings.TrimSpace(word)] = true
			}
		}
		return nil
	})
	if err == nil && len(s.tests) == 0 {
		err = fmt.Errorf("%s: no facts here to judge; a run keeps those of what failed, or all with -bg.keep=always", dir)
	}
	return s, err
}

var profileTyped = map[string]profiles{"smoke": smoke, "ci": ci, "nightly": nightly}

// selection selects the gateways of a run again. One that is not shipped is known by its folder, as it was selected.
func (s saved) selection() (string, error) {
	folders, err := gateways.Shipped()
	if err != nil {
		return "", err
	}
	shipped := map[string]bool{}
	for _, f := range folders {
		for _, g := range f.Lines() {
			shipped[g.String()] = true
		}
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(s.gateways)) {
		if shipped[name] {
			words = append(words, name)
		}
	}
	if len(words) < len(s.gateways) {
		for _, word := range slices.Sorted(maps.Keys(s.selected)) {
			if strings.ContainsAny(word, "/\\") || strings.HasPrefix(word, ".") {
				words = append(words, word)
			}
		}
	}
	if len(words) == 0 {
		return "", fmt.Errorf("no shipped gateway is called %s: say --gateway=FOLDER",
			strings.Join(slices.Sorted(maps.Keys(s.gateways)), " or "))
	}
	return strings.Join(words, ","), nil
}

func judge(cmd *cobra.Command, dir, selection, thresholds string, more []string) (int, error) {
	ctx := cmd.Context()
	dir, err := filepath.Abs(dir)
	if err != nil {
		return 0, err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return 0, usageError{dir + " is no folder"}
	}
	run, err := readSaved(dir)
	if err != nil {
		return 0, err
	}
	m, packages, err := run.packages(ctx)
	if err != nil {
		return 0, err
	}
	if selection == "" {
		if selection, err = run.selection(); err != nil {
			return 0, err
		}
	}
	out, err := os.MkdirTemp("", "badgateway-judge-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(out) }()
	args := append(packages, "-bg.replay="+dir, "-bg.gateway="+selection, "-bg.out="+out)
	if name := run.profile.longest(); name != "" {
		args = append(args, "-bg.profile="+name)
	}
	if thresholds != "" {
		if thresholds, err = filepath.Abs(thresholds); err != nil {
			return 0, err
		}
		args = append(args, "-bg.thresholds="+thresholds)
	}
	failed := goTest(ctx, m.root, cmd.OutOrStdout(), cmd.ErrOrStderr(), append(args, more...)...)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return judgement(cmd.OutOrStdout(), out, failed)
}

// judgement prints what was judged again, all suites in one table, and is its exit code. failed is what go test came to; where
// it failed and nothing that it judged is red, it has told why.
func judgement(w io.Writer, dir string, failed error) (int, error) {
	results, err := reports.LoadAll(dir)
	if err != nil {
		return 0, errors.New("nothing was judged; go test says above why")
	}
	fmt.Fprintln(w)
	if err := reports.Table(w, results); err != nil {
		return 0, err
	}
	code := codeOf(results, false)
	if code == exitOK && failed != nil {
		if code = codeOf(results, true); code == exitOK {
			return 0, fmt.Errorf("no promise was broken, but go test failed (%w) and says above why", failed)
		}
	}
	return code, nil
}

// packages finds the packages of the suites, and the module in which go test is to be told of them.
func (s saved) packages(ctx context.Context) (module, []string, error) {
	m, err := here()
	if err != nil {
		return m, nil, err
	}
	var packages []string
	for _, name := range slices.Sorted(maps.Keys(s.tests)) {
		suite, err := m.find(ctx, name)
		if err != nil {
			return m, nil, err
		}
		if suite.judges(s.tests[name]) {
			packages = append(packages, suite.Package)
		}
	}
	if len(packages) == 0 {
		return m, nil, errors.New("nothing here can be judged again: inspections look while they run, and keep no more than evidence")
	}
	return m, packages, nil
}

// has reports whether one of the suite's tests is of that kind.
func (s suite) has(kind string) bool {
	return slices.ContainsFunc(s.Tests, func(t test) bool { return slices.Contains(t.Kinds, kind) })
}

// judges reports whether one of those tests is more than an inspection.
func (s suite) judges(tests map[string]bool) bool {
	return slices.ContainsFunc(s.Tests, func(t test) bool {
		return tests[t.Name] && !slices.Equal(t.Kinds, []string{inspection})
	})
}
