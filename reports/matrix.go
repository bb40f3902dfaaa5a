package reports

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// Matrix writes what a test with subtests came to as a Markdown table: a row for each gateway, a column for each subtest,
// in each cell how many of the requests that the fault touched have failed, and how.
func Matrix(w io.Writer, results []Result, test string) error {
	t, err := tabulate(results, test, cell)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "| gateway | version | %s |\n|---|---|%s\n", strings.Join(t.subtests, " | "), strings.Repeat("---|", len(t.subtests)))
	for _, g := range t.gateways {
		row := []string{g, t.version(g)}
		for _, subtest := range t.subtests {
			row = append(row, t.cell(g, subtest))
		}
		_, err = fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
	return err
}

// Matrix writes what each scenario came to on each gateway as a Markdown table.
func (r Run) Matrix(w io.Writer) error {
	suites, gateways := r.overview(nil)
	head, line := "| scenario |", "|---|"
	for _, g := range gateways {
		head, line = head+" "+strings.TrimSpace(g.Name+" "+g.Version)+" |", line+"---|"
	}
	if _, err := fmt.Fprintf(w, "%s\n%s\n", head, line); err != nil {
		return err
	}
	for _, suite := range suites {
		for _, row := range suite.Rows {
			cells := []string{strings.TrimPrefix(suite.Name+"/"+row.Test, "/")}
			for _, c := range row.Cells {
				cells = append(cells, cmp.Or(c.Word, "-"))
			}
			if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")); err != nil {
				return err
			}
		}
	}
	return nil
}

// tabulated is what a test with subtests came to: a cell for each gateway and subtest.
type tabulated struct {
	gateways, subtests []string // in order
	cells              map[[2]string]string
	detected           map[string]string // versions, by gateway
}

// tabulate makes a cell of each result of the test.
func tabulate(results []Result, test string, cell func(Result) string) (tabulated, error) {
	t := tabulated{cells: map[[2]string]string{}, detected: map[string]string{}}
	for _, r := range ordered(results) {
		subtest, of := strings.CutPrefix(r.Scenario, test+"/")
		if !of {
			continue
		}
		t.gateways = append(t.gateways, r.Gateway)
		t.subtests = append(t.subtests, subtest)
		t.cells[[2]string{r.Gateway, subtest}] = cell(r)
		if r.Detected != "" {
			t.detected[r.Gateway] = r.Detected
		}
	}
	if len(t.gateways) == 0 {
		return t, fmt.Errorf("no results of %s here", test)
	}
	slices.SortFunc(t.gateways, byNameThenVersion)
	slices.Sort(t.subtests)
	t.gateways, t.subtests = slices.Compact(t.gateways), slices.Compact(t.subtests)
	return t, nil
}

func (t tabulated) cell(gateway, subtest string) string {
	return cmp.Or(t.cells[[2]string{gateway, subtest}], "-")
}

func (t tabulated) version(gateway string) string { return cmp.Or(t.detected[gateway], "-") }

// byNameThenVersion puts nginx@1.9 before nginx@1.26.
func byNameThenVersion(a, b string) int {
	nameA, lineA, _ := strings.Cut(a, "@")
	nameB, lineB, _ := strings.Cut(b, "@")
	return cmp.Or(
		strings.Compare(nameA, nameB), topology.Version(lineA).Compare(topology.Version(lineB)), strings.Compare(lineA, lineB),
	)
}

// cell says in few words what a result is: "no race", or of how many touched requests how many failed, and how.
func cell(r Result) string {
	s := r.Summary
	switch {
	case r.NotRun != "":
		return notRun(r)
	case r.Ruling == expect.Error || r.Ruling == expect.Inconclusive:
		return r.Ruling.String()
	case s.Touched == 0 && s.Failures == 0:
		return "no race"
	}
	text := fmt.Sprintf("%d of %d", s.TouchedFailures, s.Touched)
	if s.TouchedFailures == 0 {
		return text
	}
	var failures []string
	for _, label := range slices.Sorted(maps.Keys(s.Outcomes)) {
		noFailure := label == string(record.Aborted) || label == string(record.Dropped)
		if !noFailure && (label[0] < '1' || label[0] > '4') {
			failures = append(failures, label)
		}
	}
	return text + ": " + strings.Join(failures, ", ")
}

// notRun says in few words why a result has nothing to tell.
func notRun(r Result) string {
	if strings.HasPrefix(r.NotRun, "not supported") {
		return "not supported"
	}
	return "not run"
}
