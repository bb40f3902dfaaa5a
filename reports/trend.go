package reports

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/stats"
)

// Point is what a trend keeps of one run: a small file, so that years of nights can be kept.
type Point struct {
	Version int       `json:"version"`
	Began   time.Time `json:"began"`
	Profile string    `json:"profile"`
	Host    string    `json:"host"`
	Seeds   []uint64  `json:"seeds"`
	Results []Kept    `json:"results"`

	twice bool // several results of a scenario on a gateway
}

// Kept is what it keeps of one result.
type Kept struct {
	Scenario string        `json:"scenario"`
	Gateway  string        `json:"gateway"`
	Detected string        `json:"detected"`
	Word     string        `json:"word"`
	Requests int           `json:"requests"`
	Failures int           `json:"failures"`
	Median   time.Duration `json:"median"`
}

const pointVersion = 1

// Point is what a trend keeps of the run. Results that were not run, and what the harness could not do, are no part of any series.
func (r Run) Point() Point {
	p := Point{Version: pointVersion}
	for _, e := range r.Suites {
		if p.Began.IsZero() || e.Began.Before(p.Began) {
			p.Began = e.Began
		}
		p.Profile, p.Host = e.Profile, e.Host
		if !slices.Contains(p.Seeds, e.Seed) {
			p.Seeds = append(p.Seeds, e.Seed)
		}
	}
	repeated := r.repeated()
	for _, x := range r.Results {
		p.twice = p.twice || repeated[[2]string{x.Scenario, x.Gateway}]
		if x.NotRun == "" && x.Ruling != expect.Error {
			s := x.Summary
			p.Results = append(p.Results, Kept{x.Scenario, x.Gateway, x.Detected, x.Word(), s.Requests, s.Failures, s.Costs.Median})
		}
	}
	return p
}

// Keep writes the point into the folder of a trend, named by when its run began.
func (p Point) Keep(dir string) (path string, err error) {
	if p.twice {
		return "", errors.New("it has several results of one scenario on one gateway: a point of a trend is one run")
	}
	if p.Began.IsZero() {
		return "", errors.New("nobody knows when the run began: it has no run.json")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path = filepath.Join(dir, p.Began.UTC().Format("20060102T150405Z")+".json")
	return path, record.WriteJSON(path, p)
}

// Trend is what runs came to over time.
type Trend struct {
	Points []Point // in the order of time
	// Problems are files that could not be read, a line each.
	Problems []string
}

// LoadTrend reads the points in a folder. One that cannot be read is no reason to lose the others.
func LoadTrend(dir string) (Trend, error) {
	var t Trend
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return t, err
	}
	for _, name := range names {
		var p Point
		err := record.ReadJSON(name, &p)
		if err == nil {
			err = p.check(name)
		}
		if err != nil {
			t.Problems = append(t.Problems, err.Error())
			continue
		}
		t.Points = append(t.Points, p)
	}
	if len(t.Points) == 0 {
		return t, errors.Join(fmt.Errorf("%s: no runs of a trend here", dir), errors.New(strings.Join(t.Problems, "\n")))
	}
	slices.SortStableFunc(t.Points, func(a, b Point) int { return a.Began.Compare(b.Began) })
	profile := t.Points[len(t.Points)-1].Profile // runs of another one are of other loads
	t.Points = slices.DeleteFunc(t.Points, func(p Point) bool { return p.Profile != profile })
	return t, nil
}

// check finds what cannot be read, and counts that no run can have come to.
func (p Point) check(name string) error {
	if p.Version < 1 || p.Version > pointVersion {
		return fmt.Errorf("%s: %w", name, unreadable(p.Version, pointVersion))
	}
	for _, k := range p.Results {
		if k.Requests < 0 || k.Requests > mostCounted || k.Failures < 0 || k.Failures > k.Requests {
			return fmt.Errorf("%s: %s on %s: %d of %d requests failed", name, k.Scenario, k.Gateway, k.Failures, k.Requests)
		}
	}
	return nil
}

// Series is one scenario on one gateway over time.
type Series struct {
	Scenario, Gateway string
	// At are the places of the runs among the trend's points, Kept what each of them kept.
	At   []int
	Kept []Kept
	// Change is nil where none was shown.
	Change *ChangeOverTime
}

// ChangeOverTime says since when a share of failures is another one.
type ChangeOverTime struct {
	// Since is the first run after the change, as its place in the series.
	Since int
	// P is in the family of all series, by Holm.
	P             float64
	Before, After stats.Count
}

// Series are all scenarios on all gateways, each with the change that is shown in it, if any: at most 1 in 20 trends in
// which nothing has changed show one anywhere.
func (t Trend) Series() []Series {
	index := map[[2]string]*Series{}
	for at, point := range t.Points {
		for _, k := range point.Results {
			of := [2]string{k.Scenario, k.Gateway}
			if index[of] == nil {
				index[of] = &Series{Scenario: k.Scenario, Gateway: k.Gateway}
			}
			s := index[of]
			s.At, s.Kept = append(s.At, at), append(s.Kept, k)
		}
	}
	var all []Series
	for _, of := range slices.SortedFunc(maps.Keys(index), func(a, b [2]string) int {
		return cmp.Or(strings.Compare(a[0], b[0]), byNameThenVersion(a[1], b[1]))
	}) {
		all = append(all, *index[of])
	}
	at, p := make([]int, len(all)), make([]float64, len(all))
	for i, s := range all {
		at[i], p[i] = stats.ChangePoint(s.counts())
		if len(s.Kept) < 2 {
			p[i] = math.NaN() // nothing could have been seen in it
		}
	}
	for i, adjusted := range stats.Holm(p) {
		if adjusted <= 1-float64(comparisonLevel) {
			counts := stats.Clusters(all[i].counts())
			all[i].Change = &ChangeOverTime{Since: at[i], P: adjusted, Before: counts[:at[i]].Count(), After: counts[at[i]:].Count()}
		}
	}
	return all
}

func (s Series) counts() []stats.Count {
	var all []stats.Count
	for _, k := range s.Kept {
		all = append(all, stats.Count{K: k.Failures, N: k.Requests})
	}
	return all
}

// turned says whether the last run came to something else than the one before.
func (s Series) turned(runs int) bool {
	n := len(s.Kept)
	return n > 1 && s.At[n-1] == runs-1 && s.Kept[n-1].Word != s.Kept[n-2].Word
}

// String says the change in words.
func (c ChangeOverTime) String() string {
	return fmt.Sprintf("failures %s → %s, p %s", ofShare(c.Before), ofShare(c.After), pValue(&c.P))
}

// Text writes what has changed: shares that are others since some run, and verdicts that are others in the last.
func (t Trend) Text(w io.Writer) error {
	last := t.Points[len(t.Points)-1]
	fmt.Fprintf(w, "%d runs, %s to %s\n", len(t.Points), day(t.Points[0].Began), day(last.Began))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	changed, all := 0, t.Series()
	for _, s := range all {
		if s.Change != nil {
			changed++
			k := s.Kept[s.Change.Since]
			fmt.Fprintf(table, "since %s\t%s\t%s (%s)\t%s\n", day(t.Points[s.At[s.Change.Since]].Began), s.Scenario, s.Gateway, k.Detected, s.Change)
		}
		if s.turned(len(t.Points)) {
			n := len(s.Kept)
			fmt.Fprintf(table, "in the last run\t%s\t%s (%s)\twas %s, is %s\n", s.Scenario, s.Gateway, s.Kept[n-1].Detected, s.Kept[n-2].Word, s.Kept[n-1].Word)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, problem := range t.Problems {
		fmt.Fprintln(w, problem)
	}
	_, err := fmt.Fprintf(w, "%d of %d series show a change of the share that fails\n", changed, len(all))
	return err
}

func day(at time.Time) string { return at.UTC().Format("2006-01-02 15:04") }
