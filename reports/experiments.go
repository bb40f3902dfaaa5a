package reports

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/badgateway/badgateway/harness/expect"
)

// Experiments writes what fixes came to as Markdown: a section for each suite, in it a table for each fix, and a row for
// each gateway, with the controls and what the fix costs.
func Experiments(w io.Writer, results []Result) error {
	tried := slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return r.Experiment == nil })
	if len(tried) == 0 {
		return errors.New("no results of experiments here")
	}
	slices.SortStableFunc(tried, func(a, b Result) int {
		return cmp.Or(strings.Compare(a.Scenario, b.Scenario), byNameThenVersion(a.Gateway, b.Gateway))
	})
	var err error
	suite, scenario := "", ""
	for _, r := range tried {
		if scenario != "" && r.Scenario != scenario {
			fmt.Fprintln(w)
		}
		if of := r.Suite(); of != suite {
			suite = of
			fmt.Fprintf(w, "## %s\n\n", suite)
		}
		if r.Scenario != scenario {
			scenario = r.Scenario
			fmt.Fprintf(w, "### %s\n\n`%s`, counted: %s\n\n", r.Verdicts[0].Promise, scenario, r.Experiment.Metric)
			fmt.Fprintln(w, "| gateway | finding | as found | with the fix | less by, 95 % interval | connections per request | attempts | executed twice | p99 | without the faults, without the gateway |")
			fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|")
		}
		_, err = fmt.Fprintln(w, experimentRow(r))
	}
	return err
}

func experimentRow(r Result) string {
	x := r.Experiment
	was, is := x.Found.Costs, x.Fixed.Costs
	finding := x.Finding.String()
	if x.Finding == expect.Undecided {
		finding += ": " + x.Reason
	}
	cells := []string{
		r.on(), finding, withOutcomes(x.Found), withOutcomes(x.Fixed),
		fmt.Sprintf("%.1f to %.1f points", 100*x.Low, 100*x.High),
		fmt.Sprintf("%.2f → %.2f", was.Connections, is.Connections),
		fmt.Sprintf("%.2f → %.2f", was.Attempts, is.Attempts),
		fmt.Sprintf("%d → %d", was.Duplicates, is.Duplicates),
		expect.Took(was.Tail) + " → " + expect.Took(is.Tail),
		x.Quiet.String() + ", " + x.Straight.String(),
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

// withOutcomes is the share, and what those who failed were told.
func withOutcomes(a expect.Arm) string {
	if a.K == 0 {
		return a.String()
	}
	return fmt.Sprintf("%s: %s", a, Outcomes(a.Outcomes))
}
