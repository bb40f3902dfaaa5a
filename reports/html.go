package reports

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"hash/fnv"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/badgateway/badgateway/harness/expect"
)

//go:embed page
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "page/*.tmpl"))

// mostPage is how many bytes a page may have: it is to open at once on a phone.
const mostPage = 1_900_000

// page is what index.html.tmpl shows.
type page struct {
	Title, Facts string
	Style        template.CSS
	Script       template.JS
	Problems     []string
	Counts       []counted
	Key          []mark
	Gateways     []column
	Columns      int
	shown        map[string]bool // anchors of the results that are shown in full
	Suites       []suiteRows
	Shown        []template.HTML
	LeftOut      string
	NotRun       []notRunOn
}

// mark is a ruling as it is shown: by a sign and a word, and not by colour alone.
type mark struct{ Word, Class, Sign string }

var marks = map[string]mark{
	expect.Pass.String():         {"pass", "pass", "✓"},
	expect.Known.String():        {"known", "known", "k"},
	expect.KnownGone.String():    {"known, but gone", "gone", "g"},
	expect.Inconclusive.String(): {"inconclusive", "inconclusive", "?"},
	expect.Fail.String():         {"fail", "fail", "✗"},
	expect.Error.String():        {"error", "error", "!"},
	wordNotRun:                   {wordNotRun, "none", "–"},
}

// gravest lists the words of results, gravest first.
func gravest() []string {
	var words []string
	for _, ruling := range slices.Backward(severity) {
		words = append(words, ruling.String())
	}
	return append(words, wordNotRun)
}

type counted struct {
	mark
	N     int
	Ruled bool
}

type column struct{ Name, Version string }

type suiteRows struct {
	Name string
	Rows []matrixRow
}

type matrixRow struct {
	Test  string
	Cells []matrixCell
}

type matrixCell struct {
	mark
	Title, Href, Label string
}

// HTML writes the run as one page that needs nothing else: the overview of all results, and as many of them in full, the
// gravest first, as a page of two megabytes has room for.
func (r Run) HTML(w io.Writer) error { return r.html(w, true) }

// HTMLMatrix writes the overview alone.
func (r Run) HTMLMatrix(w io.Writer) error { return r.html(w, false) }

func (r Run) html(w io.Writer, details bool) error {
	p, err := r.newPage()
	if err != nil {
		return err
	}
	if details {
		if err := p.show(r.Results, r.repeated()); err != nil {
			return err
		}
	}
	p.Suites, p.Gateways = r.overview(p.shown)
	return pages.ExecuteTemplate(w, "index.html.tmpl", p)
}

func (r Run) newPage() (page, error) {
	style, err := pageFiles.ReadFile("page/style.css")
	if err != nil {
		return page{}, err
	}
	script, err := pageFiles.ReadFile("page/script.js")
	if err != nil {
		return page{}, err
	}
	p := page{
		Title: "badgateway: " + r.Tally(), Facts: r.facts(), Problems: r.Problems,
		Style: template.CSS(style), Script: template.JS(script), //nolint:gosec // both are files of this package
		NotRun: missing(r.Results), shown: map[string]bool{},
	}
	counts := r.Counts()
	for _, word := range gravest() {
		if n := counts[word]; n > 0 {
			p.Counts = append(p.Counts, counted{marks[word], n, word != wordNotRun})
			p.Key = append(p.Key, marks[word])
		}
	}
	p.Suites, p.Gateways = r.overview(nil)
	p.Columns = len(p.Gateways) + 1
	return p, nil
}

// facts says in a line when, where and how.
func (r Run) facts() string {
	if len(r.Suites) == 0 {
		return ""
	}
	first, last := r.Suites[0].Began, r.Suites[0].Ended
	var seeds, profiles, places []string
	add := func(to *[]string, what string) {
		if !slices.Contains(*to, what) {
			*to = append(*to, what)
		}
	}
	for _, e := range r.Suites {
		if e.Began.Before(first) {
			first = e.Began
		}
		if e.Ended.After(last) {
			last = e.Ended
		}
		add(&seeds, fmt.Sprint(e.Seed))
		add(&profiles, e.Profile)
		add(&places, fmt.Sprintf("%s (%s, %d CPUs, %s)", e.Host, e.System, e.CPUs, e.Go))
	}
	seed := "seed " + seeds[0]
	if len(seeds) > 1 {
		seed = fmt.Sprintf("%d seeds", len(seeds))
	}
	when := last.Format("2006-01-02 15:04 MST")
	if !first.IsZero() {
		when = fmt.Sprintf("%s, %s", first.Format("2006-01-02 15:04 MST"), last.Sub(first).Round(1e9))
	}
	return fmt.Sprintf("%s; profile %s; %s; %s", when, strings.Join(profiles, ", "), seed, strings.Join(places, ", "))
}

// overview is a row for each scenario and a column for each gateway. shown says which results can be linked to; nil for all.
func (r Run) overview(shown map[string]bool) ([]suiteRows, []column) {
	cells := map[[2]string]Result{}
	versions, scenarios := map[string]string{}, map[string]Result{}
	for _, x := range r.Results {
		at := [2]string{x.Scenario, x.Gateway}
		if other, is := cells[at]; !is || x.graver(other) { // there may be several runs in the folder
			cells[at] = x
		}
		versions[x.Gateway] = cmp.Or(x.Detected, versions[x.Gateway])
		scenarios[x.Scenario] = x
	}
	var gateways []column
	for _, name := range slices.SortedFunc(maps.Keys(versions), byNameThenVersion) {
		gateways = append(gateways, column{name, versions[name]})
	}
	var suites []suiteRows
	for _, scenario := range slices.Sorted(maps.Keys(scenarios)) {
		of := scenarios[scenario]
		if len(suites) == 0 || suites[len(suites)-1].Name != of.Suite() {
			suites = append(suites, suiteRows{Name: of.Suite()})
		}
		row := matrixRow{Test: of.Test()}
		for _, g := range gateways {
			row.Cells = append(row.Cells, overviewCell(cells[[2]string{scenario, g.Name}], shown))
		}
		last := &suites[len(suites)-1]
		last.Rows = append(last.Rows, row)
	}
	return suites, gateways
}

func overviewCell(x Result, shown map[string]bool) matrixCell {
	if x.Scenario == "" {
		return matrixCell{}
	}
	c := matrixCell{mark: x.mark(), Title: cmp.Or(x.NotRun, x.brief())}
	c.Label = fmt.Sprintf("%s: %s on %s", c.Word, x.Test(), x.Gateway)
	if id := x.anchor(); x.NotRun == "" && (shown == nil || shown[id]) {
		c.Href = id
	}
	return c
}

func (r Result) mark() mark { return marks[r.Word()] }

// graver reports whether a result says more than another one of the same scenario and gateway.
func (r Result) graver(than Result) bool {
	if (r.NotRun == "") != (than.NotRun == "") {
		return r.NotRun == ""
	}
	return gravity(r.Ruling) > gravity(than.Ruling)
}

// anchor is where the page shows the result.
func (r Result) anchor() string { return "r-" + shortHash(r.Scenario+" on "+r.Gateway+" in "+r.Dir) }

func shortHash(text string) string {
	h := fnv.New32a()
	_, _ = io.WriteString(h, text) // a hash never fails
	return fmt.Sprintf("%08x", h.Sum32())
}

// brief says in a few words what became of the requests.
func (r Result) brief() string {
	s := r.Summary
	if r.Experiment != nil {
		return r.Experiment.Finding.String()
	}
	if s.Failures == 0 {
		return fmt.Sprintf("none of %d failed", s.Requests)
	}
	return fmt.Sprintf("%d of %d failed: %s", s.Failures, s.Requests, Outcomes(s.Outcomes))
}

// show puts results on the page, the gravest first, as long as there is room.
func (p *page) show(results []Result, repeated map[[2]string]bool) error {
	var empty bytes.Buffer
	if err := pages.ExecuteTemplate(&empty, "index.html.tmpl", p); err != nil {
		return err
	}
	room := mostPage - empty.Len()
	ran := slices.DeleteFunc(slices.Clone(results), func(x Result) bool { return x.NotRun != "" })
	slices.SortStableFunc(ran, func(a, b Result) int { return gravity(b.Ruling) - gravity(a.Ruling) })
	for n, x := range ran {
		var b bytes.Buffer
		shown := newResultShown(x)
		if repeated[[2]string{x.Scenario, x.Gateway}] {
			shown.On += " in " + x.Dir
		}
		shown.Open = n == 0 && !Green(x.Ruling, false)
		if err := pages.ExecuteTemplate(&b, "result.html.tmpl", shown); err != nil {
			return err
		}
		room -= b.Len()
		if room < 0 {
			p.LeftOut = fmt.Sprintf("There is no room for the last %d of %d results, all of them %s or better; "+
				"a report of a part of the run's folder has them.", len(ran)-n, len(ran), x.Ruling)
			return nil
		}
		p.shown[shown.ID] = true
		p.Shown = append(p.Shown, template.HTML(b.String())) //nolint:gosec // made by a template of this package
	}
	return nil
}
