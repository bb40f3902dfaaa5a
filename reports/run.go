package reports

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/badgateway/badgateway/harness/record"
)

// Environment is where and how one suite ran: kept in run.json beside its results.
type Environment struct {
	Suite    string    `json:"suite"`
	Began    time.Time `json:"began"`
	Ended    time.Time `json:"ended"`
	Seed     uint64    `json:"seed"`
	Gateways string    `json:"gateways"`
	Profile  string    `json:"profile"`
	Keep     string    `json:"keep"`
	Strict   bool      `json:"strict"`
	// Thresholds is the file that some of the bounds come from, if any.
	Thresholds string `json:"thresholds,omitempty"`
	Go         string `json:"go"`
	System     string `json:"system"`
	CPUs       int    `json:"cpus"`
	Host       string `json:"host"`
}

// Run is everything that suites came to in a folder: results.json, from which every report is rendered.
type Run struct {
	Schema  string        `json:"$schema"`
	Version int           `json:"version"`
	Suites  []Environment `json:"suites"`
	Results []Result      `json:"results"`
	// Problems are files of the folder that could not be read, and what a broken-off run left, a line each.
	Problems []string `json:"problems,omitempty"`
	// Dir is the folder.
	Dir string `json:"-"`

	file string // the results.json that it was read from, if any
}

// The files of a run's folder.
const (
	ResultsFile     = "results.json"
	EnvironmentFile = "run.json"
	// runVersion is that of results.json; a program reads its own and those before. What is only added does not change it.
	runVersion = 1
	runSchema  = "https://raw.githubusercontent.com/badgateway/badgateway/main/reports/results.schema.json"
)

// Collect reads what suites left in a folder, or in several: their parent. What cannot be read is told in Problems, and no
// reason to lose the rest; the error says that there is nothing at all.
func Collect(dir string) (Run, error) {
	r := Run{Schema: runSchema, Version: runVersion, Dir: dir}
	brokenOff, err := BrokenOff(dir)
	r.Problems = append(r.Problems, brokenOff...)
	r.tell(err)
	results, err := LoadAll(dir)
	if len(results) == 0 && err != nil {
		return r, err
	}
	for _, x := range ordered(results) {
		if below, err := filepath.Rel(dir, x.Dir); err == nil {
			x.Dir = filepath.ToSlash(below)
		}
		r.Results = append(r.Results, x)
	}
	r.tell(err)
	r.tell(filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() != EnvironmentFile {
			return err
		}
		var e Environment
		if err := record.ReadJSON(path, &e); err != nil {
			r.tell(err)
			return nil
		}
		r.Suites = append(r.Suites, e)
		return nil
	}))
	slices.SortStableFunc(r.Suites, func(a, b Environment) int {
		return cmp.Or(strings.Compare(a.Suite, b.Suite), a.Ended.Compare(b.Ended))
	})
	return r, nil
}

// tell notes what could not be read, a line each.
func (r *Run) tell(err error) {
	if err != nil {
		r.Problems = append(r.Problems, strings.Split(err.Error(), "\n")...)
	}
}

// Open reads results.json, or collects what is in a folder.
func Open(path string) (Run, error) {
	path, err := filepath.EvalSymlinks(path) // the walk of a folder does not follow one
	if err != nil {
		return Run{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return Run{}, err
	}
	if info.IsDir() {
		r, err := Collect(path)
		if all := filepath.Join(path, ResultsFile); err != nil && exists(all) {
			return Open(all)
		}
		return r, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Run{}, err
	}
	r := Run{Dir: filepath.Dir(path), file: path}
	var head struct{ Version int }
	if err := json.Unmarshal(text, &head); err != nil {
		return r, fmt.Errorf("%s: %w", path, cutShort(err))
	}
	switch {
	case head.Version > runVersion:
		return r, fmt.Errorf("%s: version %d is of a newer badgateway; this one reads 1 to %d", path, head.Version, runVersion)
	case head.Version < 1:
		return r, fmt.Errorf("%s: it has no version, so it is no results.json", path)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	r.Results = slices.DeleteFunc(r.Results, func(x Result) bool {
		if err := x.check(); err != nil {
			r.tell(fmt.Errorf("%s: %s on %s: %w", path, x.Scenario, x.Gateway, err))
			return true
		}
		return false
	})
	return r, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// cutShort says in words what a file is that ends too early.
func cutShort(err error) error {
	if syntax, is := errors.AsType[*json.SyntaxError](err); is && strings.Contains(syntax.Error(), "unexpected end") {
		return fmt.Errorf("it is cut short after %d bytes; make it anew from the folder of the run", syntax.Offset)
	}
	return err
}

// Save writes results.json. Where the run was read from a file, and there is a results.json beside it, that may be another
// run's, and is left as it is.
func (r Run) Save() error {
	path := filepath.Join(r.Dir, ResultsFile)
	if r.file != "" && exists(path) {
		return nil
	}
	return record.WriteJSON(path, r)
}

// Counts says how many results came to what; see Word.
func (r Run) Counts() map[string]int {
	counts := map[string]int{}
	for _, x := range r.Results {
		counts[x.Word()]++
	}
	return counts
}

// Tally says how many results came to what, gravest first.
func (r Run) Tally() string { return tally(r.Counts()) }

const wordNotRun = "not run"

// Word is the ruling, or that there is none.
func (r Result) Word() string {
	if r.NotRun != "" {
		return wordNotRun
	}
	return r.Ruling.String()
}

// Strict reports whether any suite was to be strict.
func (r Run) Strict() bool {
	return slices.ContainsFunc(r.Suites, func(e Environment) bool { return e.Strict })
}
