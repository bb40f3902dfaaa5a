package reports

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// semantics is the test whose subtests are the ways in which a backend fails.
const semantics = "semantics/TestFailure"

// Semantics writes what clients are told when a backend fails as Markdown: a table for each gateway, in it a row for each
// way of failing, and a column for each version. A cell has what GETs and POSTs came to while it failed, with the mean
// number of their arrivals, and how long requests went on failing after it.
func Semantics(w io.Writer, results []Result) error {
	cells := map[string]map[string]string{} // by gateway and row
	detected := map[string]string{}
	rows := map[string]bool{}
	families := map[string][]string{}
	for _, r := range ordered(results) {
		row, of := strings.CutPrefix(r.Scenario, semantics+"/")
		if !of {
			continue
		}
		rows[strings.ReplaceAll(row, "_", " ")] = true
		if cells[r.Gateway] == nil {
			cells[r.Gateway] = map[string]string{}
			name, _, _ := strings.Cut(r.Gateway, "@")
			families[name] = append(families[name], r.Gateway)
		}
		cells[r.Gateway][strings.ReplaceAll(row, "_", " ")] = told(r)
		if r.Detected != "" {
			detected[r.Gateway] = r.Detected
		}
	}
	if len(families) == 0 {
		return fmt.Errorf("no results of %s here", semantics)
	}
	var err error
	for _, name := range slices.Sorted(maps.Keys(families)) {
		gateways := families[name]
		slices.SortFunc(gateways, byNameThenVersion)
		heads := make([]string, len(gateways))
		for i, g := range gateways {
			heads[i] = g + " (" + cmp.Or(detected[g], "-") + ")"
		}
		fmt.Fprintf(w, "## %s\n\n| the backend's failure | %s |\n|---|%s\n", name, strings.Join(heads, " | "), strings.Repeat("---|", len(heads)))
		for _, row := range slices.Sorted(maps.Keys(rows)) {
			line := []string{row}
			for _, g := range gateways {
				line = append(line, cmp.Or(cells[g][row], "-"))
			}
			fmt.Fprintf(w, "| %s |\n", strings.Join(line, " | "))
		}
		_, err = fmt.Fprintln(w)
	}
	return err
}

// told says in few words what clients were told: "GET 502 (1), POST 502 (1)", and "; 2.1 s" if it went on for so long.
func told(r Result) string {
	switch {
	case strings.HasPrefix(r.NotRun, "not supported"):
		return "not supported"
	case r.NotRun != "":
		return "not run"
	case len(r.Summary.Windows) == 0:
		return r.Ruling.String()
	}
	window := r.Summary.Windows[0]
	var words []string
	for _, method := range slices.Sorted(maps.Keys(window.Methods)) {
		m := window.Methods[method]
		words = append(words, fmt.Sprintf("%s %s (%s)", method, shares(m.Outcomes), digits(float64(m.Arrivals)/float64(m.Requests))))
	}
	if len(words) == 2 && strings.TrimPrefix(words[0], "GET ") == strings.TrimPrefix(words[1], "POST ") {
		words = []string{strings.TrimPrefix(words[0], "GET ")}
	}
	text := strings.Join(words, ", ")
	if window.Failing > 0 {
		text += fmt.Sprintf("; %.1f s", window.Failing)
	}
	return text
}

// shares names outcomes, the most frequent first, without their numbers: which of them is the more frequent one depends on
// how the requests fell.
func shares(outcomes map[string]int) string {
	labels := slices.SortedFunc(maps.Keys(outcomes), func(a, b string) int {
		return cmp.Or(cmp.Compare(outcomes[b], outcomes[a]), strings.Compare(a, b))
	})
	return strings.Join(labels, " or ")
}

// digits writes a mean with one digit, and none that is zero.
func digits(mean float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", mean), ".0") }
