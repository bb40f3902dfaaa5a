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
	t, err := tabulate(results, semantics, told)
	if err != nil {
		return err
	}
	for len(t.gateways) > 0 {
		name, _, _ := strings.Cut(t.gateways[0], "@")
		family := t.gateways[:lines(t.gateways, name)]
		t.gateways = t.gateways[len(family):]
		heads := make([]string, len(family))
		for i, g := range family {
			heads[i] = g + " (" + t.version(g) + ")"
		}
		fmt.Fprintf(w, "## %s\n\n| the backend's failure | %s |\n|---|%s\n", name, strings.Join(heads, " | "), strings.Repeat("---|", len(heads)))
		for _, class := range t.subtests {
			row := []string{strings.ReplaceAll(class, "_", " ")}
			for _, g := range family {
				row = append(row, t.cell(g, class))
			}
			fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
		}
		_, err = fmt.Fprintln(w)
	}
	return err
}

// lines is how many of the sorted gateways at the beginning are versions of that one.
func lines(gateways []string, name string) int {
	other := func(g string) bool { return g != name && !strings.HasPrefix(g, name+"@") }
	if n := slices.IndexFunc(gateways, other); n >= 0 {
		return n
	}
	return len(gateways)
}

// told says in few words what clients were told: "GET 502 (1), POST 502 (1)", and "; 2.1 s" if it went on for so long.
func told(r Result) string {
	switch {
	case r.NotRun != "":
		return notRun(r)
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
