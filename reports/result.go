// Package reports turns verdicts into what people and machines read: verdict.json beside the facts, the message of a
// failure, and the table on the console. It judges nothing.
package reports

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/stats"
)

// Result is what one scenario came to on one gateway: kept in verdict.json.
type Result struct {
	Version  int    `json:"version"`
	Scenario string `json:"scenario"`
	Gateway  string `json:"gateway"`
	Detected string `json:"detected,omitempty"`
	Seed     uint64 `json:"seed,omitempty"`
	// Ruling is the worst of the verdicts' rulings; NotRun says why there are none.
	Ruling   expect.Ruling    `json:"ruling"`
	NotRun   string           `json:"not_run,omitempty"`
	Verdicts []expect.Verdict `json:"verdicts,omitempty"`
	Summary  Summary          `json:"summary"`
	// Experiment is what a fix that was put to the test came to; nil for a scenario, and Summary is then of what was found
	// without it.
	Experiment *expect.Experiment `json:"experiment,omitempty"`
	// Case says what was run; nil if nothing was.
	Case *record.Case `json:"case,omitempty"`
	// Timeline is what became of the requests over the time of the last look.
	Timeline *Timeline `json:"timeline,omitempty"`
	// Config is what the gateway was given last.
	Config []File `json:"config,omitempty"`
	// Log holds the lines of the gateway's log that name a witness.
	Log []string `json:"log,omitempty"`
	// Repeat and Replay are the commands that run the scenario again and that judge its facts again, if these were kept.
	Repeat string `json:"repeat,omitempty"`
	Replay string `json:"replay,omitempty"`
	// Dir is the folder of verdict.json and of the facts; in results.json it is relative to the folder of that.
	Dir string `json:"dir,omitempty"`
}

// File is a file of a gateway's config as rendered.
type File struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Suite is the folder of the test below suites/, e.g. "field/uwsgi"; Test is its name with those of its subtests.
func (r Result) Suite() string { suite, _ := r.split(); return suite }

// Test is the name of the test with those of its subtests, e.g. "TestRace/GET-before".
func (r Result) Test() string { _, test := r.split(); return test }

func (r Result) split() (suite, test string) {
	if i := strings.LastIndex(r.Scenario, "/Test"); i >= 0 {
		return r.Scenario[:i], r.Scenario[i+1:]
	}
	return "", r.Scenario
}

// Summary is the run in numbers, whatever was promised.
type Summary struct {
	Requests int `json:"requests"`
	Failures int `json:"failures"`
	// Outcomes counts statuses and outcomes.
	Outcomes map[string]int `json:"outcomes,omitempty"`
	// Attempts is the mean number of arrivals of a request.
	Attempts float64 `json:"attempts"`
	// Touched counts the requests that a fault touched, TouchedFailures those of them that failed, and TouchedAttempts is
	// their mean number of arrivals.
	Touched         int     `json:"touched"`
	TouchedFailures int     `json:"touched_failures"`
	TouchedAttempts float64 `json:"touched_attempts"`
	// Receipts says what each fault touched.
	Receipts []string `json:"receipts,omitempty"`
	// Windows says what became of the requests of each window.
	Windows []Window `json:"windows,omitempty"`
	// Distribution counts the requests by their number of arrivals.
	Distribution map[int]int `json:"distribution,omitempty"`
	// Costs is what the requests cost, whatever failed.
	Costs expect.Costs `json:"costs"`
	// Booked counts what clients were told and how each of two gateways booked it, where their logs were read.
	Booked map[string]int `json:"booked,omitempty"`
}

const (
	// resultVersion 2 added what a page shows of a run: the case, the timeline, the config. Version 1 is read without them.
	resultVersion = 2
	// VerdictFile is where a result is kept, beside its facts if these are.
	VerdictFile = "verdict.json"
)

// Summarise counts, over all looks.
func Summarise(e expect.Evidence) Summary {
	s := Summary{Outcomes: map[string]int{}, Distribution: map[int]int{}, Costs: e.Costs()}
	var attempts, touched stats.Sample
	looks := e.Looks()
	for n, look := range looks {
		for _, x := range look.Exchanges {
			if x.Warmup { // which no promise looks at either
				continue
			}
			s.add(x)
			attempts.Add(float64(x.Attempts()))
			if x.Touched() {
				touched.Add(float64(x.Attempts()))
			}
		}
		for _, i := range look.Injections {
			receipt := Receipt(i)
			if len(looks) > 1 {
				receipt = fmt.Sprintf("look %d: %s", n+1, receipt)
			}
			s.Receipts = append(s.Receipts, receipt)
			w := summariseWindow(look.Exchanges, i)
			if len(looks) > 1 {
				w.Look = n + 1
			}
			s.Windows = append(s.Windows, w)
		}
	}
	if attempts.N() > 0 {
		s.Attempts = attempts.Mean()
	}
	if touched.N() > 0 {
		s.TouchedAttempts = touched.Mean()
	}
	return s
}

func (s *Summary) add(x record.Exchange) {
	s.Requests++
	s.Outcomes[x.Label()]++
	s.Distribution[x.Attempts()]++
	if x.BookedInFront != 0 {
		if s.Booked == nil {
			s.Booked = map[string]int{}
		}
		s.Booked[x.Bookings()]++
	}
	if x.Failed() {
		s.Failures++
	}
	if x.Touched() {
		s.Touched++
		if x.Failed() {
			s.TouchedFailures++
		}
	}
}

// Receipt says in words what an injection touched.
func Receipt(i record.Injection) string {
	t := i.Total()
	var words []string
	switch {
	case i.Bit() && t.Packets > 0:
		words = append(words, fmt.Sprintf("%s dropped %s", i.ID, count(t.Packets, "packet")))
	case i.Bit() && t.Checks > 0:
		words = append(words, fmt.Sprintf("%s touched %s", i.ID, count(t.Checks, "health check")))
	case i.Bit() && t.Requests+t.Connections == 0:
		words = append(words, i.ID+" was in force")
	case i.Bit():
		words = append(words, fmt.Sprintf("%s touched %s and ended %s", i.ID, count(t.Requests, "request"), count(t.Connections, "connection")))
	case i.Prevented():
		words = append(words, fmt.Sprintf("%s had no chance: the gateway gave up all %s first",
			i.ID, count(t.Prevented, "connection")))
	default:
		words = append(words, i.ID+" touched nothing")
	}
	for _, r := range i.Receipts {
		if r.Probe != "" {
			words = append(words, r.Probe)
		}
	}
	if i.Lifted.End > 0 && i.For > 0 {
		words = append(words, fmt.Sprintf("lifted at %.3f s", i.Lifted.End.Seconds()))
	}
	return strings.Join(words, "; ")
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// severity orders rulings from harmless to grave.
var severity = []expect.Ruling{
	expect.Pass, expect.Known, expect.KnownGone, expect.Inconclusive, expect.Fail, expect.Error,
}

// Worst is the gravest ruling among the verdicts; without any it is inconclusive.
func Worst(verdicts []expect.Verdict) expect.Ruling {
	if len(verdicts) == 0 {
		return expect.Inconclusive
	}
	worst := expect.Pass
	for _, v := range verdicts {
		if gravity(v.Ruling) > gravity(worst) {
			worst = v.Ruling
		}
	}
	return worst
}

// gravity is the place of a ruling among the severities; one that nobody knows is graver than any other.
func gravity(r expect.Ruling) int {
	if i := slices.Index(severity, r); i >= 0 {
		return i
	}
	return len(severity)
}

// Save writes verdict.json into the folder of the facts.
func Save(r Result) error {
	r.Version = resultVersion
	return record.WriteJSON(filepath.Join(r.Dir, VerdictFile), r)
}

// LoadAll reads every verdict.json below a folder, in the order of scenarios and gateways. The error says which of them could
// not be read; the others are returned all the same.
func LoadAll(dir string) ([]Result, error) {
	var results []Result
	var broken []error
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() != VerdictFile {
			return err
		}
		r, err := Load(filepath.Dir(path))
		if err != nil {
			broken = append(broken, err) // which is no reason to lose the others
			return nil
		}
		results = append(results, r)
		return nil
	})
	if err == nil && len(results)+len(broken) == 0 {
		err = errors.New(dir + ": no results here")
	}
	return results, errors.Join(append(broken, err)...)
}

// Load reads the verdict.json of a folder.
func Load(dir string) (r Result, err error) {
	path := filepath.Join(dir, VerdictFile)
	if err := record.ReadJSON(path, &r); err != nil {
		return r, err
	}
	if r.Version < 1 {
		return r, fmt.Errorf("%s: %w", path, unreadable(r.Version, resultVersion))
	}
	if err := r.check(); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	r.Dir = dir
	return r, nil
}

// unreadable says which versions of a file can be read.
func unreadable(version, newest int) error {
	return fmt.Errorf("version %d, this badgateway reads 1 to %d", version, newest)
}

// mostCounted is more than any run can count, and what statistics can still be made of.
const mostCounted = 1_000_000_000

// check finds what no run can have come to: a file that somebody has made up or broken.
func (r Result) check() error {
	s := r.Summary
	switch {
	case r.Version > resultVersion:
		return unreadable(r.Version, resultVersion)
	case s.Requests < 0 || s.Requests > mostCounted:
		return fmt.Errorf("%d requests", s.Requests)
	case s.Failures < 0 || s.Failures > s.Requests:
		return fmt.Errorf("%d of %d requests failed", s.Failures, s.Requests)
	case s.Costs.Duplicates < 0 || s.Costs.Duplicates > s.Requests:
		return fmt.Errorf("%d of %d requests were executed more than once", s.Costs.Duplicates, s.Requests)
	}
	for outcome, n := range s.Outcomes {
		if outcome == "" || n < 0 || n > s.Requests {
			return fmt.Errorf("outcome %q of %d of %d requests", outcome, n, s.Requests)
		}
	}
	for arrivals, n := range s.Distribution {
		if arrivals < 0 || n < 0 || n > s.Requests {
			return fmt.Errorf("%d arrivals of %d of %d requests", arrivals, n, s.Requests)
		}
	}
	return r.Timeline.check()
}

// BrokenOff says, for each folder below that a broken-off run left, what is there: it has requests and no verdict.
func BrokenOff(dir string) ([]string, error) {
	var said []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() != record.RequestsFile {
			return err
		}
		if left := record.Remains(filepath.Dir(path)); left != "" {
			said = append(said, filepath.Dir(path)+": "+left)
		}
		return nil
	})
	return said, err
}

// Outcomes writes counted outcomes in a stable order: "200 x 61, 502 x 60".
func Outcomes(counts map[string]int) string {
	var words []string
	for _, outcome := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%s x %d", outcome, counts[outcome]))
	}
	return strings.Join(words, ", ")
}
