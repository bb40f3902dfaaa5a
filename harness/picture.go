package harness

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
)

// sketch draws the topology: the gateways on the way, which backends there are, and which of them are reached through a link
// that can be broken.
func (s Scenario) sketch() string {
	before := "       client ----- gateway --+-- "
	if s.Front != nil {
		before = "       client ----- front ----- gateway --+-- "
	}
	links := s.Faults.Links()
	var b strings.Builder
	for i, r := range s.Backends.Members() {
		begin := before
		if i > 0 {
			begin = strings.Repeat(" ", len(before)-len("+-- ")) + "+-- "
		}
		way := ""
		if slices.Contains(links, r) {
			way = "Toxiproxy -- "
		}
		fmt.Fprintf(&b, "%s%s%s\n", begin, way, r)
	}
	return b.String()
}

// columns is how wide the time axis is.
const columns = 60

// picture draws the schedule over a time axis: a bar for each stream of the load, and one for each fault window. The load
// is drawn by how much is due: "=" at its fullest, "-" at less than two thirds of that, "." at less than one third. Where
// it waits for answers, how much is due is not known, and its bar is full. Of a window "#" is when it acts, and "?" is when
// it may, because it begins or ends with an event.
func (s Scenario) picture(seed uint64) string {
	lasts := s.Load.Lasts()
	var b strings.Builder
	b.WriteString(axis(lasts))
	for _, stream := range streamsOf(s.Load) {
		fmt.Fprintf(&b, "       %s  %s\n", drawLoad(stream, lasts, seed), strings.TrimSpace("load "+stream.Name))
	}
	for _, w := range s.Faults {
		fmt.Fprintf(&b, "       %s  %s\n", drawWindow(w, lasts), w.ID())
	}
	return b.String()
}

func streamsOf(l load.Load) []load.Stream {
	if several, is := l.(load.Together); is {
		return several
	}
	return []load.Stream{{Load: l}}
}

// axis is the time in quarters of the load, and a ruler.
func axis(lasts time.Duration) string {
	const quarter = columns / 4
	var marks, ruler strings.Builder
	for i := range 3 {
		fmt.Fprintf(&marks, "%-*s", quarter, lasts*time.Duration(i)/4)
	}
	last := (lasts * 3 / 4).String()
	fmt.Fprintf(&marks, "%s %*s", last, quarter-len(last), lasts) // the end stands at the right edge
	for range 4 {
		ruler.WriteString("+" + strings.Repeat("-", quarter-1))
	}
	return fmt.Sprintf("       %s\n       %s+\n", marks.String(), ruler.String())
}

// column is where an instant lies on the axis.
func column(at, lasts time.Duration) int {
	return min(columns, int(int64(at)*columns/max(1, int64(lasts))))
}

// drawLoad draws how much a stream sends.
func drawLoad(stream load.Stream, lasts time.Duration, seed uint64) string {
	bar := []byte(strings.Repeat(" ", columns+1))
	if stream.Load.Count() == load.Unknown {
		fill(bar, 0, column(stream.Load.Lasts(), lasts), '=')
		return string(bar)
	}
	due := make([]int, columns+1)
	most := 0
	for p := range stream.Load.Plan(seed) {
		at := column(p.Due, lasts)
		due[at]++
		most = max(most, due[at])
	}
	for i, n := range due {
		switch {
		case n == 0:
		case 3*n > 2*most:
			bar[i] = '='
		case 3*n > most:
			bar[i] = '-'
		default:
			bar[i] = '.'
		}
	}
	return string(bar)
}

// drawWindow draws when a fault acts, or may.
func drawWindow(w fault.Window, lasts time.Duration) string {
	bar := []byte(strings.Repeat(" ", columns+1))
	if !w.When.IsZero() {
		fill(bar, column(w.From, lasts), columns, '?')
		return string(bar)
	}
	begin, end := column(w.From, lasts), columns
	switch {
	case !w.Until.IsZero():
		fill(bar, begin, end, '?')
		end = begin
	case w.For > 0:
		end = column(w.From+w.For, lasts)
	}
	fill(bar, begin, end, '#')
	return string(bar)
}

// fill draws from one column to another, and one at least.
func fill(bar []byte, from, to int, with byte) {
	for i := from; i <= max(from, to-1) && i < len(bar); i++ {
		bar[i] = with
	}
}
