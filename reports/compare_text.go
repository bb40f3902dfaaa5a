package reports

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/badgateway/badgateway/harness/record"
)

// String says who is compared with whom.
func (s Side) String() string {
	rounds := fmt.Sprintf("%d rounds", s.Rounds[1])
	switch {
	case s.Rounds[1] == 1:
		rounds = "1 round"
	case s.Rounds[0] != s.Rounds[1]:
		rounds = fmt.Sprintf("%d to %d rounds", s.Rounds[0], s.Rounds[1])
	}
	if len(s.Versions) == 0 {
		return fmt.Sprintf("%s, %s", s.Name, rounds)
	}
	return fmt.Sprintf("%s (%s), %s", s.Name, strings.Join(s.Versions, ", "), rounds)
}

// Text writes the comparison for people: what one of them does and the other never did, then what differs, then what was
// compared besides; all of it if everything is asked for, else how much.
func (c Comparison) Text(w io.Writer, everything bool) error {
	fmt.Fprintf(w, "old: %s\nnew: %s\n\n", c.Old, c.New)
	if len(c.Behaviour) > 0 {
		fmt.Fprintln(w, "what one of them does and the other never did:")
		for _, b := range c.Behaviour {
			fmt.Fprintf(w, "  %s: %s\n", b.Scenario, b.What)
		}
		fmt.Fprintln(w)
	}
	if everything || c.Count(NoChange) < len(c.Metrics) {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "\tscenario\tmetric\told\tnew\tnew less old, 95 % interval\tp\tp of all\twould differ by itself at")
		for _, m := range c.Metrics {
			if everything || m.Change != NoChange {
				fmt.Fprintln(table, m.row("\t"))
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	for _, line := range append(c.Alone, c.Problems...) {
		fmt.Fprintln(w, line)
	}
	_, err := fmt.Fprintln(w, c.tally())
	return err
}

func (m MetricDifference) row(separator string) string {
	return strings.Join([]string{
		string(m.Change), m.Scenario, m.Metric, m.Old, m.New, m.Difference, pValue(m.P), pValue(m.Adjusted), m.Smallest,
	}, separator)
}

func pValue(p *float64) string {
	switch {
	case p == nil || math.IsNaN(*p):
		return "-"
	case *p < 0.0001:
		return "< 0.0001"
	}
	return fmt.Sprintf("%.4f", *p)
}

func (c Comparison) tally() string {
	text := fmt.Sprintf("%d worse, %d better, %d differ, %d of %d metrics ~ (no difference shown; false alarms in 5 %% of comparisons at most, over all metrics)",
		c.Count(Worse), c.Count(Better), c.Count(Differs), c.Count(NoChange), len(c.Metrics))
	if c.Old.Rounds[0] == 1 || c.New.Rounds[0] == 1 {
		text += "\none round says nothing of how rounds vary: shares are compared as if requests were all there is to chance, and times not at all"
	}
	return text
}

// The files of a comparison.
const (
	ComparisonFile = "comparison.json"
	DifferenceFile = "comparison.md"
)

// Save writes the comparison into a folder for machines and for people, each file whole or not at all, and returns the path of
// the latter.
func (c Comparison) Save(dir string) (path string, err error) {
	path = filepath.Join(dir, DifferenceFile)
	return path, errors.Join(record.WriteJSON(filepath.Join(dir, ComparisonFile), c), whole(path, c.Markdown))
}

// Markdown writes the comparison for a page or the summary of a CI job.
func (c Comparison) Markdown(w io.Writer) error {
	fmt.Fprintf(w, "# %s → %s\n\n%s\n\n", c.Old, c.New, c.tally())
	if len(c.Behaviour) > 0 {
		fmt.Fprintln(w, "## What one of them does and the other never did")
		fmt.Fprintln(w)
		for _, b := range c.Behaviour {
			fmt.Fprintf(w, "- `%s`: %s\n", b.Scenario, markdownText(b.What))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, "## Metrics")
	fmt.Fprintln(w)
	fmt.Fprintln(w, "| | scenario | metric | old | new | new less old, 95 % interval | p | p of all | would differ by itself at |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	for _, m := range c.Metrics {
		fmt.Fprintf(w, "| %s |\n", m.row(" | "))
	}
	if len(c.Alone) > 0 {
		fmt.Fprintf(w, "\n## Not compared\n\n- %s\n", strings.Join(c.Alone, "\n- "))
	}
	if len(c.Problems) > 0 {
		fmt.Fprintf(w, "\n## What could not be read\n\n- %s\n", strings.Join(c.Problems, "\n- "))
	}
	_, err := fmt.Fprintln(w)
	return err
}
