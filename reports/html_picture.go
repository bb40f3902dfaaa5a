package reports

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// picture is a timeline as it is drawn: the outcomes of each step as bars on each other, a hundred units high, and below it
// how long answers took, on a logarithmic scale sixty units high.
type picture struct {
	Title, Words, LatencyWords, Step string
	Steps                            int
	Most, Slowest, Fastest           string
	Series                           []series
	Windows                          []windowShown
	Decades                          []string
	Median, Worst                    string
	Ticks                            []tick
}

type series struct {
	Label, Class, Path string
	N                  int
}

type windowShown struct {
	X, Width string
	Text     string
}

type tick struct{ At, Text string }

func newPicture(t *Timeline, s Summary) *picture {
	if t == nil || len(t.Failed) == 0 {
		return nil
	}
	p := &picture{Title: "Over time", Steps: len(t.Failed), Step: t.Step.String()}
	looks := 0
	for _, w := range s.Windows {
		looks = max(looks, w.Look)
	}
	if looks > 0 {
		p.Title = "Over time, in the last look"
	}
	p.drawOutcomes(t)
	p.drawLatency(t)
	for _, w := range s.Windows {
		if w.Look == looks {
			p.addWindow(t, w)
		}
	}
	p.drawAxis(t)
	return p
}

// drawOutcomes puts what is fine at the bottom, and failures on it.
func (p *picture) drawOutcomes(t *Timeline) {
	labels := slices.SortedFunc(maps.Keys(t.Outcomes), func(a, b string) int { return strings.Compare(order(a), order(b)) })
	total, most := make([]int, p.Steps), 1
	for _, label := range labels {
		for i, n := range t.Outcomes[label] {
			total[i] += n
			most = max(most, total[i])
		}
	}
	base := make([]int, p.Steps)
	var words []string
	for _, label := range labels {
		s := series{Label: label, Class: outcomeClass(label)}
		s.Path, s.N = stack(t.Outcomes[label], base, most)
		p.Series = append(p.Series, s)
		words = append(words, fmt.Sprintf("%s x %d", label, s.N))
	}
	p.Most = fmt.Sprintf("%d per %s", most, t.Step)
	p.Words = fmt.Sprintf("Outcomes in steps of %s: %s.", t.Step, strings.Join(words, ", "))
}

// stack draws bars on the base, and raises it; neighbours that are equal are one bar.
func stack(counts, base []int, most int) (path string, sum int) {
	var b strings.Builder
	y := func(n int) int { return 100 - n*100/most }
	for i := 0; i < len(counts); {
		j := i + 1
		for j < len(counts) && counts[j] == counts[i] && base[j] == base[i] {
			j++
		}
		if n := counts[i]; n > 0 {
			top, bottom := y(base[i]+n), y(base[i])
			if top == bottom { // one of thousands is still to be seen
				top--
			}
			fmt.Fprintf(&b, "M%d,%dh%dv%dh-%dz", i, top, j-i, bottom-top, j-i)
		}
		for ; i < j; i++ {
			sum += counts[i]
			base[i] += counts[i]
		}
	}
	return b.String(), sum
}

// order sorts labels so that what is fine comes first.
func order(label string) string {
	if label[0] >= '1' && label[0] <= '4' {
		return "0" + label
	}
	return "1" + label
}

func outcomeClass(label string) string {
	switch {
	case label == "500" || label == "502" || label == "503" || label == "504":
		return "o" + label
	case label[0] == '2' || label[0] == '3' || label[0] == '4':
		return "o" + label[:1]
	case label == "aborted" || label[0] >= '0' && label[0] <= '9':
		return "oother"
	default:
		return "owire"
	}
}

func (p *picture) drawLatency(t *Timeline) {
	low, high := int64(math.MaxInt64), int64(1)
	for i, n := range t.Median {
		if n > 0 {
			low = min(low, n)
		}
		high = max(high, t.Worst[i])
	}
	if low > high {
		low = high
	}
	from, to := math.Floor(math.Log10(float64(low))), math.Ceil(math.Log10(float64(high)+1))
	to = max(to, from+1)
	y := func(us int64) string {
		return trim(60 - 60*(math.Log10(float64(max(us, 1)))-from)/(to-from))
	}
	p.Median, p.Worst = line(t.Median, y), line(t.Worst, y)
	for decade := from + 1; decade < to; decade++ {
		p.Decades = append(p.Decades, trim(60-60*(decade-from)/(to-from)))
	}
	micros := func(exponent float64) string {
		return (time.Duration(math.Pow(10, exponent)) * time.Microsecond).String()
	}
	p.Slowest, p.Fastest = micros(to), micros(from)
	p.LatencyWords = fmt.Sprintf("How long answers took since they were due, from %s to %s, logarithmic; the slowest took %s.",
		p.Fastest, p.Slowest, time.Duration(high)*time.Microsecond)
}

// line joins the middles of steps that have a value.
func line(values []int64, y func(int64) string) string {
	var b strings.Builder
	drawing := false
	for i, v := range values {
		switch {
		case v == 0:
			drawing = false
		case !drawing:
			fmt.Fprintf(&b, "M%d.5,%sh.01", i, y(v)) // a lone point is to be seen as well
			drawing = true
		default:
			fmt.Fprintf(&b, "L%d.5,%s", i, y(v))
		}
	}
	return b.String()
}

func trim(x float64) string {
	return strings.TrimSuffix(strings.TrimSuffix(fmt.Sprintf("%.1f", x), "0"), ".")
}

func (p *picture) addWindow(t *Timeline, w Window) {
	at := func(d time.Duration) float64 {
		return min(max(float64(d-t.From)/float64(t.Step), 0), float64(p.Steps))
	}
	from, to := at(w.In.Begin), at(w.In.End)
	p.Windows = append(p.Windows, windowShown{
		X: trim(from), Width: trim(max(to-from, 0.2)),
		Text: fmt.Sprintf("%s, in force from %.3f to %.3f s", w.ID, w.In.Begin.Seconds(), w.In.End.Seconds()),
	})
}

// drawAxis marks about five round instants.
func (p *picture) drawAxis(t *Timeline) {
	span := t.Step * time.Duration(p.Steps)
	every := time.Millisecond
	for _, ms := range steps {
		if every = ms * time.Millisecond; span/every <= 6 {
			break
		}
	}
	first := (t.From + every - 1) / every * every
	for at := first; at <= t.From+span; at += every {
		p.Ticks = append(p.Ticks, tick{trim(100 * float64(at-t.From) / float64(span)), fmt.Sprintf("%g s", at.Seconds())})
	}
}
