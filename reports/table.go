package reports

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/stats"
)

// fewScenarios is how many scenarios that do not run for the same reason are named; more are counted.
const fewScenarios = 3

// Table writes results for people, one line each, and how many came to what.
func Table(w io.Writer, results []Result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "scenario\tgateway\tn\tfailures\t95 % interval\toutcomes\tattempts\ttouched\ttouched failed\ttouched attempts\tverdict")
	sorted := ordered(results)
	for _, r := range sorted {
		if r.NotRun == "" {
			writeRow(table, r)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	gateway := ""
	for _, m := range missing(sorted) {
		if m.Gateway != gateway {
			gateway = m.Gateway
			fmt.Fprintf(w, "\nnot run on %s:\n", gateway)
		}
		if len(m.Scenarios) > fewScenarios {
			fmt.Fprintf(w, "  %d scenarios: %s\n", len(m.Scenarios), m.Why)
		} else {
			fmt.Fprintf(w, "  %s: %s\n", strings.Join(m.Scenarios, ", "), m.Why)
		}
	}
	_, err := fmt.Fprintln(w, "\n"+Run{Results: results}.Tally())
	return err
}

// notRunOn is the scenarios that did not run on a gateway for the same reason.
type notRunOn struct {
	Gateway, Why string
	Scenarios    []string
}

// missing says what did not run, by gateway and reason.
func missing(results []Result) (all []notRunOn) {
	places := map[[2]string]int{}
	for _, x := range results {
		if x.NotRun == "" {
			continue
		}
		of := [2]string{x.Gateway, x.NotRun}
		at, seen := places[of]
		if !seen {
			at = len(all)
			places[of] = at
			all = append(all, notRunOn{Gateway: x.Gateway, Why: x.NotRun})
		}
		all[at].Scenarios = append(all[at].Scenarios, x.Scenario)
	}
	slices.SortFunc(all, func(a, b notRunOn) int {
		return cmp.Or(byNameThenVersion(a.Gateway, b.Gateway), strings.Compare(a.Why, b.Why))
	})
	return all
}

// ordered sorts a copy by scenario and gateway: parallel tests end in any order.
func ordered(results []Result) []Result {
	return slices.SortedStableFunc(slices.Values(results), func(a, b Result) int {
		return cmp.Or(strings.Compare(a.Scenario, b.Scenario), strings.Compare(a.Gateway, b.Gateway))
	})
}

// on names the gateway with the version that was detected, if any was.
func (r Result) on() string {
	if r.Detected == "" {
		return r.Gateway
	}
	return r.Gateway + " (" + r.Detected + ")"
}

func writeRow(w io.Writer, r Result) {
	s := r.Summary
	interval, failed, attempts := "-", "-", "-"
	if s.Requests > 0 {
		i := stats.Count{K: s.Failures, N: s.Requests}.Interval(stats.Confidence95)
		interval = fmt.Sprintf("%.1f-%.1f %%", 100*i.Low, 100*i.High)
	}
	if s.Touched > 0 {
		failed = strconv.Itoa(s.TouchedFailures)
		attempts = fmt.Sprintf("%.2f", s.TouchedAttempts)
	}
	verdict := r.Ruling.String()
	if r.Experiment != nil { // the numbers are those without the fix
		verdict += ": " + r.Experiment.Finding.String()
	}
	fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%.2f\t%d\t%s\t%s\t%s\n", r.Scenario, r.on(), s.Requests, s.Failures, interval,
		Outcomes(s.Outcomes), s.Attempts, s.Touched, failed, attempts, verdict)
}

// Details writes, for each result, what the fault touched and why the verdict is not a plain pass.
func Details(w io.Writer, results []Result) {
	for _, r := range ordered(results) {
		if r.NotRun != "" {
			continue
		}
		fmt.Fprintf(w, "\n%s on %s\n", r.Scenario, r.Gateway)
		for _, receipt := range r.Summary.Receipts {
			fmt.Fprintln(w, "  receipt:", receipt)
		}
		if len(r.Summary.Booked) > 0 {
			fmt.Fprintln(w, "  told:", Outcomes(r.Summary.Booked))
		}
		for _, v := range r.Verdicts {
			if v.Reason != "" {
				fmt.Fprintf(w, "  %s: %s\n", v.Ruling, v.Reason)
			} else {
				fmt.Fprintf(w, "  %s: %s; measured %s\n", v.Ruling, v.Promise, v.Measured)
			}
		}
	}
}

// tally says how many results came to what, gravest first.
func tally(counts map[string]int) string {
	var words []string
	for _, ruling := range slices.Backward(severity) {
		if n := counts[ruling.String()]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, ruling))
		}
	}
	if n := counts[wordNotRun]; n > 0 {
		words = append(words, fmt.Sprintf("%d not run", n))
	}
	return strings.Join(words, ", ")
}

// Green reports whether a ruling lets a test pass. A known deviation does; what was not measured never does. Strict runs
// do not let an out-of-date entry of known.yaml pass.
func Green(r expect.Ruling, strict bool) bool {
	return r == expect.Pass || r == expect.Known || (r == expect.KnownGone && !strict)
}
