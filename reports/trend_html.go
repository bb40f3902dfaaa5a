package reports

import (
	"fmt"
	"html/template"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/stats"
)

// mostPoints is how many runs the page draws, the last ones.
const mostPoints = 90

// trendPage is what trend.html.tmpl shows.
type trendPage struct {
	Title, Facts, Quiet string
	Style               template.CSS
	Problems            []string
	Changes             []changeShown
	Rows                []trendRow
	Width               int
}

type changeShown struct{ Scenario, Gateway, What string }

type trendRow struct {
	mark
	Scenario, Gateway, Last, Most, Median, Words string
	Width                                        int
	Since                                        string
	Bars                                         []series
}

// TrendFile is where a trend is drawn, beside its points.
const TrendFile = "trend.html"

// WriteHTML writes the page into the folder of the trend, whole or not at all, and returns its path.
func (t Trend) WriteHTML(dir string) (path string, err error) {
	path = filepath.Join(dir, TrendFile)
	return path, whole(path, t.HTML)
}

// HTML writes the trend as one page that needs nothing else: what has changed, and a line for each series but those in which
// nothing ever failed and that always passed.
func (t Trend) HTML(w io.Writer) error {
	style, err := pageFiles.ReadFile("page/style.css")
	if err != nil {
		return err
	}
	n := len(t.Points)
	first := max(0, n-mostPoints)
	p := trendPage{
		Title: fmt.Sprintf("badgateway: trend of %d runs", n), Problems: t.Problems, Style: template.CSS(style), Width: n - first, //nolint:gosec // a file of this package
		Facts: fmt.Sprintf("%d runs, %s to %s; the last %d are drawn", n, day(t.Points[0].Began), day(t.Points[n-1].Began), n-first),
	}
	quiet := 0
	for _, s := range t.Series() {
		if c := s.Change; c != nil {
			k := s.Kept[c.Since]
			p.Changes = append(p.Changes, changeShown{
				s.Scenario, s.Gateway + " (" + k.Detected + ")", fmt.Sprintf("since %s %s", day(t.Points[s.At[c.Since]].Began), c),
			})
		}
		if s.turned(n) {
			last := len(s.Kept) - 1
			p.Changes = append(p.Changes, changeShown{
				s.Scenario, s.Gateway, fmt.Sprintf("was %s, is %s in the last run", s.Kept[last-1].Word, s.Kept[last].Word),
			})
		}
		if s.quiet() {
			quiet++
			continue
		}
		p.Rows = append(p.Rows, s.row(first, n-first))
	}
	p.Quiet = fmt.Sprintf("%d series are not drawn: they have always passed, and nothing has ever failed in them.", quiet)
	slices.SortStableFunc(p.Rows, func(a, b trendRow) int {
		return slices.Index(gravest(), a.Word) - slices.Index(gravest(), b.Word)
	})
	return pages.ExecuteTemplate(w, "trend.html.tmpl", p)
}

func (s Series) quiet() bool {
	return !slices.ContainsFunc(s.Kept, func(k Kept) bool { return k.Failures > 0 || k.Word != expect.Pass.String() })
}

// row draws a bar for each run from the first one that is drawn.
func (s Series) row(first, width int) trendRow {
	last := s.Kept[len(s.Kept)-1]
	most := 0.0
	for _, k := range s.Kept {
		if k.Requests > 0 {
			most = max(most, stats.Count{K: k.Failures, N: k.Requests}.Share())
		}
	}
	r := trendRow{
		mark: marks[last.Word], Scenario: s.Scenario, Gateway: s.Gateway, Width: width, Most: short(100*most) + " %",
		Last: fmt.Sprintf("%d of %d", last.Failures, last.Requests), Median: expect.Took(last.Median.Round(10 * time.Microsecond)),
	}
	paths := map[string]*strings.Builder{}
	for i, k := range s.Kept {
		x := s.At[i] - first
		if x < 0 {
			continue
		}
		high := 1.0 // that there was a run is to be seen
		if most > 0 && k.Requests > 0 {
			high = max(1, 20*stats.Count{K: k.Failures, N: k.Requests}.Share()/most)
		}
		class := marks[k.Word].Class
		if paths[class] == nil {
			paths[class] = &strings.Builder{}
			r.Bars = append(r.Bars, series{Class: class})
		}
		fmt.Fprintf(paths[class], "M%d.1,20v-%sh.8v%sz", x, trim(high), trim(high))
	}
	for i, bar := range r.Bars {
		r.Bars[i].Path = paths[bar.Class].String()
	}
	r.Words = fmt.Sprintf("%d runs, at most %s failed", len(s.Kept), r.Most)
	if s.Change != nil {
		r.Since = trim(float64(max(0, s.At[s.Change.Since]-first)))
		r.Words += "; " + s.Change.String()
	}
	return r
}
