package harness

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The settings of a run: a flag over its variable of the environment over its default.
type settings struct {
	Gateway string
	Seed    uint64
	Out     string
	Keep    string
	Replay  string
	Strict  bool

	seed, strict string // as typed
}

// The values of -bg.keep: whose facts stay on disk after the run. verdict.json stays unless nothing is to.
const (
	keepNever  = "never"
	keepFailed = "failed"
	keepAlways = "always"
)

// option is one setting as a person sets it.
type option struct {
	name, fallback, usage string
	value                 func(*settings) *string
}

var options = []option{
	{"gateway", "stdlib", "gateways to run against, comma-separated: a name (newest version), name@version, name@all, all, or a folder (./my-gateway)", func(s *settings) *string { return &s.Gateway }},
	{"seed", "", "seed of requests and victims; the same seed gives the same schedule (default: a fresh one, printed)", func(s *settings) *string { return &s.seed }},
	{"out", "", "folder for the run's facts and verdicts (default: reports/runs/<time> in the clone, else in the user's cache)", func(s *settings) *string { return &s.Out }},
	{"keep", keepFailed, "whose facts to keep: never (nothing at all), failed, always; verdicts stay unless never", func(s *settings) *string { return &s.Keep }},
	{"replay", "", "judge the facts saved in this folder again instead of running", func(s *settings) *string { return &s.Replay }},
	{"strict", "false", "true fails on gateways that cannot be had and on known deviations that are gone", func(s *settings) *string { return &s.strict }},
}

// given is what the command line said; the flags exist as soon as a suite imports this package, as go test needs.
var given = func() *settings {
	s := &settings{}
	for _, o := range options {
		flag.StringVar(o.value(s), "bg."+o.name, "", o.usage+" (also "+o.variable()+")")
	}
	return s
}()

func (o option) variable() string { return "BADGATEWAY_" + strings.ToUpper(o.name) }

// resolve completes what was given, and reports everything that is wrong with it, joined.
func (s settings) resolve(environment func(string) string, suite string) (settings, error) {
	for _, o := range options {
		if value := o.value(&s); *value == "" {
			if *value = environment(o.variable()); *value == "" {
				*value = o.fallback
			}
		}
	}
	var problems []error
	var err error
	if s.Strict, err = strconv.ParseBool(s.strict); err != nil {
		problems = append(problems, fmt.Errorf("-bg.strict=%s: want true or false", s.strict))
	}
	if s.seed == "" {
		s.Seed = rand.Uint64N(1_000_000)
	} else if s.Seed, err = strconv.ParseUint(s.seed, 10, 64); err != nil {
		problems = append(problems, fmt.Errorf("-bg.seed=%s: want a whole number", s.seed))
	}
	if !slices.Contains([]string{keepNever, keepFailed, keepAlways}, s.Keep) {
		problems = append(problems, fmt.Errorf("-bg.keep=%s: want %s, %s or %s", s.Keep, keepNever, keepFailed, keepAlways))
	}
	if s.Replay != "" {
		if s.Replay, err = existing(s.Replay); err != nil {
			problems = append(problems, fmt.Errorf("-bg.replay: %w", err))
		} else if info, err := os.Stat(s.Replay); err == nil && !info.IsDir() {
			problems = append(problems, fmt.Errorf("-bg.replay: %s is no folder", s.Replay))
		}
	}
	if s.Out == "" {
		s.Out = filepath.Join(runsFolder(), time.Now().Format("20060102-150405"))
	} else {
		s.Out = fromWhereTyped(s.Out)
	}
	s.Out = filepath.Join(s.Out, suite)
	return s, errors.Join(problems...)
}

// runsFolder is reports/runs of the clone the test runs in, else a folder in the user's cache.
func runsFolder() string {
	if root := cloneRoot(); root != "" {
		return filepath.Join(root, "reports", "runs")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "badgateway", "runs")
}

// cloneRoot finds the root of the clone of badgateway that the working directory lies in, or "".
func cloneRoot() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module github.com/badgateway/badgateway\n") {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// fromWhereTyped resolves a relative path against the folder in which the command was typed. go test runs each suite in
// its own folder and tells the other one in PWD only to itself, so the root of the clone stands for it.
func fromWhereTyped(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	if root := cloneRoot(); root != "" {
		return filepath.Join(root, path)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return absolute
}

// existing finds a relative path from the root of the clone or from the suite's folder, and says what it tried.
func existing(path string) (string, error) {
	tried := []string{fromWhereTyped(path)}
	if absolute, err := filepath.Abs(path); err == nil && absolute != tried[0] {
		tried = append(tried, absolute)
	}
	for _, candidate := range tried {
		if _, err := os.Stat(candidate); err == nil {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("%s does not exist (tried %s)", path, strings.Join(tried, ", "))
}
