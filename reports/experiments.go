package reports

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/badgateway/badgateway/harness/expect"
)

// Experiments writes what fixes came to as Markdown: a section for each suite, in it a table for each fix, and a row for
// each gateway, with the controls and what the fix costs. Below it stands where the fix was not tried, and why.
func Experiments(w io.Writer, results []Result) error {
	tried := map[string][]Result{}
	for _, r := range results {
		if r.Experiment != nil {
			tried[r.Scenario] = append(tried[r.Scenario], r)
		}
	}
	if len(tried) == 0 {
		return errors.New("no results of experiments here")
	}
	var sections []string
	suite := ""
	for _, scenario := range slices.Sorted(maps.Keys(tried)) {
		var b strings.Builder
		if of := tried[scenario][0].Suite(); of != suite {
			suite = of
			fmt.Fprintf(&b, "## %s\n\n", suite)
		}
		writeExperiment(&b, tried[scenario])
		for _, except := range notTried(results, scenario) {
			fmt.Fprintf(&b, "\n%s\n", except)
		}
		sections = append(sections, b.String())
	}
	_, err := io.WriteString(w, strings.Join(sections, "\n"))
	return err
}

// writeExperiment writes the table of one fix.
func writeExperiment(b *strings.Builder, tried []Result) {
	slices.SortStableFunc(tried, func(a, b Result) int { return byNameThenVersion(a.Gateway, b.Gateway) })
	first := tried[0]
	fmt.Fprintf(b, "### %s\n\n`%s`, counted: %s\n\n", first.Verdicts[0].Promise, first.Scenario, first.Experiment.Metric)
	fmt.Fprintln(b, "| gateway | finding | as found | with the fix | less by, 95 % interval | connections per request | attempts | executed twice | p99 | without the faults, without the gateway |")
	fmt.Fprintln(b, "|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range tried {
		fmt.Fprintln(b, experimentRow(r))
	}
}

// notTried says on which gateways a fix was not tried, a sentence for each reason.
func notTried(results []Result, scenario string) []string {
	gateways := map[string][]string{}
	for _, r := range results {
		if r.Scenario == scenario && r.NotRun != "" {
			gateways[r.NotRun] = append(gateways[r.NotRun], r.Gateway)
		}
	}
	var sentences []string
	for _, why := range slices.Sorted(maps.Keys(gateways)) {
		slices.SortFunc(gateways[why], byNameThenVersion)
		sentences = append(sentences, fmt.Sprintf("Not tried on %s: %s.", strings.Join(gateways[why], ", "), why))
	}
	return sentences
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
