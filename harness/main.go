package harness

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness/lab"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// run is one process of a suite: its settings, the gateways it runs against and what it found.
type run struct {
	settings
	ctx      context.Context //nolint:containedctx // the process's own: cancelled by Ctrl-C, seen by every test
	suite    string
	began    time.Time
	chosen   []choice
	bounds   *thresholds
	progress *progress
	// sandboxes are shared by all scenarios, unless each is to have all to itself.
	sandboxes lab.Sandboxes

	mu      sync.Mutex
	results []reports.Result
	// schedules are what a dry run would do, by the names of the scenarios.
	schedules map[string]string
}

// session is set by Main, once, before any test runs.
var session *run

// Main is the TestMain of every suite: it resolves flags and gateways before anything starts, runs the tests, and prints
// what they found. Wrong input ends the process with one line and exit code 2.
func Main(m *testing.M) {
	if err := parseFlags(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "badgateway:", err)
		os.Exit(2)
	}
	os.Exit(runSuite(m))
}

// parseFlags parses the command line as flag.Parse does, but answers a mistake with one line and not with the usage of
// everything that package testing knows.
func parseFlags(args []string) error {
	flag.CommandLine.Init(os.Args[0], flag.ContinueOnError)
	flag.CommandLine.SetOutput(io.Discard)
	err := flag.CommandLine.Parse(args)
	flag.CommandLine.SetOutput(os.Stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		if err != nil {
			fmt.Println("flags of badgateway (those of go test: go help testflag):")
			for _, o := range options {
				fmt.Printf("  -bg.%-10s %s (%s)\n", o.name, o.usage, o.variable())
			}
			os.Exit(0)
		}
		if flag.NArg() > 0 { // everything behind it would be dropped in silence
			return fmt.Errorf("unexpected argument %q", flag.Arg(0))
		}
		return nil
	}
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = "-bg." + o.name
	}
	return fmt.Errorf("%w; the flags of badgateway are %s", err, strings.Join(names, " "))
}

func runSuite(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	if listing := flag.Lookup("test.list"); listing != nil && listing.Value.String() != "" {
		return m.Run()
	}
	s, err := newRun(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "badgateway:", err)
		return 2
	}
	session = s
	switch {
	case s.Dry:
		fmt.Printf("badgateway: suite %s, seed %d, nothing is run\n", s.suite, s.Seed)
		code := m.Run()
		s.printSchedules()
		return code
	case s.Replay != "":
		fmt.Printf("badgateway: suite %s, gateways %s, judging %s again\n", s.suite, s.Gateway, s.Replay)
	default:
		fmt.Printf("badgateway: suite %s, gateways %s, profile %s, seed %d, facts in %s\n", s.suite, s.Gateway, s.Profile, s.Seed, s.Out)
	}
	if s.Thresholds != "" {
		fmt.Println("badgateway: some bounds are those of", s.Thresholds)
	}
	code := m.Run()
	s.progress.stop()
	if err := s.leaveSandboxes(); err != nil {
		fmt.Fprintln(os.Stderr, "badgateway: what scenarios shared:", err)
		code = max(code, 1)
	}
	if err := s.summary(); err != nil {
		fmt.Fprintln(os.Stderr, "badgateway:", err)
		return 1
	}
	if s.Replay != "" && !s.judgedAny() {
		fmt.Fprintf(os.Stderr, "badgateway: nothing was judged: %s has no facts of the selected tests and gateways\n", s.Replay)
		return max(code, 1)
	}
	if err := s.bounds.unused(s.suite, s.chosen, onlySome()); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "badgateway:", err)
		return max(code, 1)
	}
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "badgateway: interrupted; everything that was started has been taken down")
		return max(code, 1)
	}
	return code
}

func newRun(ctx context.Context) (*run, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	s := &run{ctx: ctx, suite: suiteName(dir), began: time.Now(), progress: newProgress(), schedules: map[string]string{}}
	if s.settings, err = given.resolve(os.Getenv, s.suite); err != nil {
		return nil, err
	}
	if s.chosen, err = choose(s.Gateway); err != nil {
		return nil, err
	}
	s.sandboxes.Adopt = s.Sandboxes == sandboxesOfRun
	if s.bounds, err = readThresholds(s.Thresholds); err == nil && s.Thresholds != "" {
		err = s.checkThresholds(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("-bg.thresholds: %w", err)
	}
	if s.Replay == "" && !s.Dry {
		if err := os.MkdirAll(s.Out, 0o755); err != nil {
			return nil, fmt.Errorf("-bg.out: %w", err)
		}
		if err := s.mayResume(); err != nil {
			return nil, fmt.Errorf("-bg.resume: %w", err)
		}
		if err := s.settleSeed(); err != nil {
			return nil, fmt.Errorf("-bg.out: %w", err)
		}
		if s.Keep != keepNever { // said at once: a run that is killed is one that may be gone on with
			if err := record.WriteJSON(filepath.Join(s.Out, reports.EnvironmentFile), s.environment()); err != nil {
				return nil, fmt.Errorf("-bg.out: %w", err)
			}
		}
		err = obtain(ctx, s.chosen, s.progress.of("images"))
		s.progress.done("images")
	}
	return s, err
}

// leaveSandboxes removes what scenarios have shared, or leaves it to the next suite of an uninterrupted run.
func (s *run) leaveSandboxes() error {
	if s.Sandboxes == sandboxesOfRun && s.ctx.Err() == nil {
		return s.sandboxes.HandOver()
	}
	return afterwards(s.ctx, s.sandboxes.Close)
}

// suiteName is the folder's path below the suites of the clone, "idleclose" or "field/uwsgi"; elsewhere it is its name.
func suiteName(dir string) string {
	if root := cloneRoot(); root != "" {
		if below, err := filepath.Rel(filepath.Join(root, "suites"), dir); err == nil && filepath.IsLocal(below) {
			return filepath.ToSlash(below)
		}
	}
	return filepath.Base(dir)
}

func (s *run) checkThresholds(dir string) error {
	suites, err := suitesBeside(dir, s.suite)
	if err != nil {
		return err
	}
	return s.bounds.check(suites, s.chosen)
}

// onlySome reports whether only some of the suite's tests were asked for.
func onlySome() bool {
	for _, name := range []string{"test.run", "test.skip"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return true
		}
	}
	return testing.Short() || session.Profile < CI || session.Shard.of > 1
}

// book keeps a result for the table, on disk, and drops the facts nobody asked to keep.
func (s *run) book(t *testing.T, r reports.Result) {
	t.Helper()
	s.take(r)
	keep := s.keep
	if s.Replay != "" {
		if !s.rejudged || r.NotRun != "" {
			return
		}
		r.Dir, keep = filepath.Join(s.Out, t.Name()), saveIn
	}
	if err := keep(r); err != nil {
		t.Errorf("the harness failed: %v", err)
	}
}

// take keeps a result for the table.
func (s *run) take(r reports.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results = append(s.results, r)
}

func (s *run) judgedAny() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.results, func(r reports.Result) bool { return r.NotRun == "" })
}

func (s *run) keep(r reports.Result) error {
	if s.Keep == keepNever {
		return os.RemoveAll(r.Dir)
	}
	if s.Keep == keepFailed && (r.NotRun != "" || reports.Green(r.Ruling, s.Strict)) {
		r.Replay = ""
		if err := os.RemoveAll(r.Dir); err != nil {
			return err
		}
	}
	return saveIn(r)
}

// saveIn saves a result in its folder, which need not exist yet.
func saveIn(r reports.Result) error {
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return err
	}
	return reports.Save(r)
}

// fewResults is how many results are told in detail on the console; verdict.json has the detail of any number.
const fewResults = 8

func (s *run) summary() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.results) == 0 {
		return nil
	}
	fmt.Println()
	err := reports.Table(os.Stdout, s.results)
	if len(s.results) <= fewResults {
		reports.Details(os.Stdout, s.results)
	}
	if s.Replay == "" && s.Keep != keepNever {
		fmt.Printf("\nrun folder: %s\nas a page:  %s\n", s.Out, filepath.Join(s.Out, reports.PageFile))
	}
	if s.Keep == keepNever || s.Replay != "" {
		return err
	}
	return errors.Join(err, record.WriteJSON(filepath.Join(s.Out, reports.EnvironmentFile), s.environment()), s.writeFaces())
}

// writeFaces renders what the suite's folder holds.
func (s *run) writeFaces() error {
	run, err := reports.Collect(s.Out)
	if err == nil {
		err = run.WriteFaces()
	}
	return err
}
