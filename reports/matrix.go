package reports

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/topology"
)

// Matrix writes what a test with subtests came to as a Markdown table: a row for each gateway, a column for each subtest,
// in each cell how many of the requests that the fault touched have failed, and how.
func Matrix(w io.Writer, results []Result, test string) error {
	cells := map[string]map[string]string{} // by gateway and column
	columns := map[string]bool{}
	detected := map[string]string{}
	var gateways []string
	for _, r := range ordered(results) {
		column, of := strings.CutPrefix(r.Scenario, test+"/")
		if !of {
			continue
		}
		if cells[r.Gateway] == nil {
			cells[r.Gateway] = map[string]string{}
			gateways = append(gateways, r.Gateway)
		}
		columns[column] = true
		cells[r.Gateway][column] = cell(r)
		if r.Detected != "" {
			detected[r.Gateway] = r.Detected
		}
	}
	if len(gateways) == 0 {
		return fmt.Errorf("no results of %s here", test)
	}
	slices.SortFunc(gateways, byNameThenVersion)
	heads := slices.Sorted(maps.Keys(columns))
	fmt.Fprintf(w, "| gateway | version | %s |\n|---|---|%s\n", strings.Join(heads, " | "), strings.Repeat("---|", len(heads)))
	var err error
	for _, g := range gateways {
		row := []string{g, cmp.Or(detected[g], "-")}
		for _, head := range heads {
			row = append(row, cmp.Or(cells[g][head], "-"))
		}
		_, err = fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
	return err
}

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
	case strings.HasPrefix(r.NotRun, "not supported"):
		return "not supported"
	case r.NotRun != "":
		return "not run"
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
		if label[0] < '1' || label[0] > '4' {
			failures = append(failures, label)
		}
	}
	return text + ": " + strings.Join(failures, ", ")
}
