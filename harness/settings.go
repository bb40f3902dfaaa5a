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
	Profile Profile
	// Thresholds is a file of bounds.
	Thresholds string
	Strict     bool
	Dry        bool
	// Sandboxes says how long what scenarios share in containers is kept.
	Sandboxes string
	// Resume takes the results that are in Out already, and runs what is missing.
	Resume bool
	Shard  shard
	// brief leaves most requests out of a dry run.
	brief bool
	// rejudged says that verdicts of a replay are saved, since it was said where.
	rejudged bool

	seed, profile, strict, dry, resume, shard string // as typed
}

// The values of -bg.keep: whose facts stay on disk after the run. verdict.json stays unless nothing is to.
const (
	keepNever  = "never"
	keepFailed = "failed"
	keepAlways = "always"
)

// The values of -bg.sandboxes: for how long what scenarios share is kept.
const (
	sandboxesNone    = "none"
	sandboxesOfSuite = "suite"
	sandboxesOfRun   = "run"
)

// option is one setting as a person sets it.
type option struct {
	name, fallback, usage string
	value                 func(*settings) *string
	toggle                bool // true or false; alone on the command line it is true
}

var options = []option{
	{"gateway", "stdlib", "gateways to run against, comma-separated: a name (newest version), name@version, name@all, all, or a folder (./my-gateway)", func(s *settings) *string { return &s.Gateway }, false},
	{"seed", "", "seed of requests and victims; the same seed gives the same schedule (default: that of the run in the folder of -bg.out, else a fresh one, printed)", func(s *settings) *string { return &s.seed }, false},
	{"profile", "ci", "how much to run: smoke (one telling scenario for each behaviour), ci, nightly (longer, with swept parameters)", func(s *settings) *string { return &s.profile }, false},
	{"out", "", "folder for the run's facts and verdicts, with -bg.replay for the new verdicts if it is given (default: reports/runs/<time> in the clone, else in the user's cache)", func(s *settings) *string { return &s.Out }, false},
	{"keep", keepFailed, "whose facts to keep: never (nothing at all), failed, always; verdicts stay unless never", func(s *settings) *string { return &s.Keep }, false},
	{"replay", "", "judge the facts saved in this folder again instead of running", func(s *settings) *string { return &s.Replay }, false},
	{"thresholds", "", "file of bounds that take the place of the scenarios' own (harness/thresholds.schema.json)", func(s *settings) *string { return &s.Thresholds }, false},
	{"strict", "false", "fail on gateways that cannot be had and on known deviations that are gone", func(s *settings) *string { return &s.strict }, true},
	{"sandboxes", sandboxesOfSuite, "for how long containers that scenarios can have one after another are kept: none (each scenario has all to itself), suite, run (of several suites; whoever starts it says badgateway clean at its end)", func(s *settings) *string { return &s.Sandboxes }, false},
	{"resume", "false", "run only what has no result in the folder of -bg.out yet, as after an interruption, with the seed of that run", func(s *settings) *string { return &s.resume }, true},
	{"shard", "1/1", "run one part of so many, as 2/4: each scenario on each gateway is in one of them, whatever else is selected", func(s *settings) *string { return &s.shard }, false},
	{"dry", "false", "print what each scenario would do, request by request (brief: the first few), and run nothing; see it with go test -v", func(s *settings) *string { return &s.dry }, true},
}

// given is what the command line said; the flags exist as soon as a suite imports this package, as go test needs.
var given = func() *settings {
	s := &settings{}
	for _, o := range options {
		usage := o.usage + " (also " + o.variable() + ")"
		if o.toggle {
			flag.Var(toggle{o.value(s)}, "bg."+o.name, usage)
		} else {
			flag.StringVar(o.value(s), "bg."+o.name, "", usage)
		}
	}
	return s
}()

// toggle is a setting that is true when it is named without a value, as -bg.strict.
type toggle struct{ typed *string }

func (t toggle) IsBoolFlag() bool { return true }

func (t toggle) Set(value string) error {
	*t.typed = value
	return nil
}

func (t toggle) String() string {
	if t.typed == nil { // package flag asks a zero value
		return ""
	}
	return *t.typed
}

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
	if s.brief = s.dry == "brief"; s.brief {
		s.Dry = true
	} else if s.Dry, err = strconv.ParseBool(s.dry); err != nil {
		problems = append(problems, fmt.Errorf("-bg.dry=%s: want true, brief or false", s.dry))
	}
	if s.Resume, err = strconv.ParseBool(s.resume); err != nil {
		problems = append(problems, fmt.Errorf("-bg.resume=%s: want true or false", s.resume))
	} else if s.Resume && (s.Out == "" || s.Replay != "") {
		problems = append(problems, errors.New("-bg.resume: want the folder of the run in -bg.out, and no -bg.replay"))
	}
	if s.Shard, err = parseShard(s.shard); err != nil {
		problems = append(problems, fmt.Errorf("-bg.shard=%s: %w", s.shard, err))
	}
	if s.Profile, err = parseProfile(s.profile); err != nil {
		problems = append(problems, err)
	}
	if s.seed == "" {
		s.Seed = rand.Uint64N(1_000_000)
	} else if s.Seed, err = strconv.ParseUint(s.seed, 10, 64); err != nil {
		problems = append(problems, fmt.Errorf("-bg.seed=%s: want a whole number", s.seed))
	}
	if !slices.Contains([]string{keepNever, keepFailed, keepAlways}, s.Keep) {
		problems = append(problems, fmt.Errorf("-bg.keep=%s: want %s, %s or %s", s.Keep, keepNever, keepFailed, keepAlways))
	}
	if !slices.Contains([]string{sandboxesNone, sandboxesOfSuite, sandboxesOfRun}, s.Sandboxes) {
		problems = append(problems, fmt.Errorf("-bg.sandboxes=%s: want %s, %s or %s", s.Sandboxes, sandboxesNone, sandboxesOfSuite, sandboxesOfRun))
	}
	if s.Replay != "" {
		if s.Replay, err = existing(s.Replay); err != nil {
			problems = append(problems, fmt.Errorf("-bg.replay: %w", err))
		} else if info, err := os.Stat(s.Replay); err == nil && !info.IsDir() {
			problems = append(problems, fmt.Errorf("-bg.replay: %s is no folder", s.Replay))
		}
	}
	if s.Thresholds != "" {
		if s.Thresholds, err = existing(s.Thresholds); err != nil {
			problems = append(problems, fmt.Errorf("-bg.thresholds: %w", err))
		}
	}
	if s.Out == "" {
		s.Out = filepath.Join(runsFolder(), time.Now().Format("20060102-150405"))
	} else if s.Out, err = fromWhereTyped(s.Out); err != nil {
		problems = append(problems, fmt.Errorf("-bg.out: %w", err))
	} else if below, err := filepath.Rel(s.Replay, s.Out); s.Replay != "" && (err != nil || !filepath.IsLocal(below)) {
		s.rejudged = true // but never in the replayed folder: what was found there stays
	}
	s.Out = filepath.Join(s.Out, suite)
	return s, errors.Join(problems...)
}

// runsFolder is reports/runs of the clone the test runs in, else a folder in the user's cache: also where the clone cannot
// be written, as in an image or a sandbox.
func runsFolder() string {
	if root := cloneRoot(); root != "" {
		runs := filepath.Join(root, "reports", "runs")
		if os.MkdirAll(runs, 0o755) == nil {
			return runs
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "badgateway", "runs")
}

// cloneRoot finds the root of the clone of badgateway that the working directory lies in, or "".
func cloneRoot() string {
	root := moduleRoot()
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if root == "" || err != nil || !strings.HasPrefix(string(text), "module github.com/badgateway/badgateway\n") {
		return ""
	}
	return root
}

// moduleRoot finds the root of the module that the working directory lies in, or "". A module in the module cache, whose
// folder is named module@version, does not count: it is read-only, and nobody types anything there.
func moduleRoot() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			if strings.Contains(filepath.Base(dir), "@") {
				return ""
			}
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// whereTyped is the folder in which go test was typed, or "" where that cannot be known. go test runs each suite in the
// suite's own folder, sets PWD to it, and tells nobody its own; only Linux shows the folder of a parent process.
func whereTyped() string {
	parent := fmt.Sprintf("/proc/%d/", os.Getppid())
	program, err := os.Readlink(parent + "exe")
	if err != nil || filepath.Base(program) != "go" {
		return ""
	}
	dir, err := os.Readlink(parent + "cwd")
	if err != nil {
		return ""
	}
	return dir
}

// bases lists the folders that a relative path is resolved against: where it was typed, and the root of the module, where
// such commands are typed as a rule.
func bases() []string {
	all := []string{whereTyped(), moduleRoot()}
	return slices.Compact(slices.DeleteFunc(all, func(dir string) bool { return dir == "" }))
}

// fromWhereTyped resolves a path that need not exist yet.
func fromWhereTyped(path string) (string, error) {
	if filepath.IsAbs(path) {
		return path, nil
	}
	if likely := bases(); len(likely) > 0 {
		return filepath.Join(likely[0], path), nil
	}
	return "", fmt.Errorf("%s is a relative path%s", path, sayAbsolute(path))
}

// existing finds a path from where it was typed, from the root of the module or from the suite's folder, and says what it
// tried.
func existing(path string) (string, error) {
	var tried []string
	for _, base := range append(bases(), ".") {
		candidate := path
		if !filepath.IsAbs(path) {
			candidate = filepath.Join(base, path)
		}
		candidate, err := filepath.Abs(candidate)
		if err != nil {
			return "", err
		}
		if _, err := os.Stat(candidate); err == nil {
			return candidate, nil
		}
		if !slices.Contains(tried, candidate) {
			tried = append(tried, candidate)
		}
	}
	return "", fmt.Errorf("%s does not exist (tried %s)%s", path, strings.Join(tried, ", "), sayAbsolute(path))
}

// sayAbsolute ends a message about a path that was sought in the wrong folders: it says what to type instead.
func sayAbsolute(path string) string {
	if filepath.IsAbs(path) || whereTyped() != "" {
		return ""
	}
	return fmt.Sprintf(`; a suite is not told where go test was typed: say "$PWD/%s"`, filepath.ToSlash(filepath.Clean(path)))
}
