package reports

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/badgateway/badgateway/harness/expect"
)

const (
	// mostMarkdown is how long a summary may get, in bytes: hosted CI shows none that is longer than jobSummary.
	mostMarkdown = 900 << 10
	jobSummary   = 1 << 20
	// leastMarkdown is what a summary needs that says anything.
	leastMarkdown = 8 << 10
)

// Markdown writes summary.md: the gateways, what is red first, then what could not be judged, experiments, known deviations, what was not
// run, and how to repeat it. It is 900 KiB long at most; a line says how much was left out.
func (r Run) Markdown(w io.Writer) error { return r.markdown(w, mostMarkdown) }

// AppendSummary appends the Markdown to a file, as far as there is room: the summary of a job, whose path hosted CI tells in
// GITHUB_STEP_SUMMARY. The error says that the file cannot be written, or is full.
func (r Run) AppendSummary(path string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	room := int64(jobSummary) - info.Size()
	if room < leastMarkdown {
		return errors.Join(fmt.Errorf("%s: no room for a summary: %d of %d bytes are taken", path, info.Size(), jobSummary), file.Close())
	}
	return errors.Join(r.markdown(file, int(min(room, mostMarkdown))), file.Close())
}

func (r Run) markdown(w io.Writer, most int) error {
	p := newMarkdownPage(most)
	p.say("# badgateway: %s\n\n", cmp.Or(r.Tally(), "no results"))
	p.say("%s of %s on %s.\n", count(len(r.Results), "result"), count(r.different(func(x Result) string { return x.Scenario }), "scenario"),
		count(r.different(func(x Result) string { return x.Gateway }), "gateway"))
	r.markdownGateways(p)
	p.list("Problems", r.Problems)
	r.markdownReds(p, "Red", func(x Result) bool { return x.Ruling == expect.Fail || x.Ruling == expect.KnownGone })
	r.markdownReds(p, "Not judged", func(x Result) bool { return x.Ruling != expect.Fail && x.Ruling != expect.KnownGone })
	r.markdownExperiments(p)
	r.markdownKnown(p)
	r.markdownNotRun(p)
	p.last()
	r.markdownRuns(p)
	if p.left > 0 {
		fmt.Fprintf(&p.text, "\n**%s left out here, for want of room: all of it is in %s.**\n", count(p.left, "line"), ResultsFile)
	}
	_, err := io.WriteString(w, p.text.String())
	return err
}

// different counts the different words that results have for something.
func (r Run) different(word func(Result) string) int {
	words := map[string]bool{}
	for _, x := range r.Results {
		words[word(x)] = true
	}
	return len(words)
}

// markdownReds has a row for each result that is red and of the kind, and below them how to run it again.
func (r Run) markdownReds(p *markdownPage, title string, kind func(Result) bool) {
	var again []string
	t := p.table(title, "scenario", "gateway", "ruling", "promise", "measured", "reason")
	for _, x := range r.Results {
		if !r.red(x) || !kind(x) {
			continue
		}
		v := x.gravest()
		promise := v.Promise
		if more := r.reds(x) - 1; more > 0 {
			promise += fmt.Sprintf(" (and %d more)", more)
		}
		t.row(x.Scenario, x.on(), x.Ruling.String(), promise, cmp.Or(v.Measured, "-"), cmp.Or(v.Reason, "-"))
		again = append(again, cmp.Or(x.Repeat, x.Replay))
	}
	again = slices.DeleteFunc(again, func(command string) bool { return command == "" })
	if len(again) > 0 {
		p.folded("How to run these again", func() { p.commands(again) })
	}
}

// reds counts the verdicts of a result that are not green.
func (r Run) reds(x Result) (n int) {
	for _, v := range x.Verdicts {
		if !Green(v.Ruling, r.Strict()) {
			n++
		}
	}
	return n
}

func (r Run) markdownGateways(p *markdownPage) {
	byGateway := map[string][]Result{}
	for _, x := range r.Results {
		byGateway[x.Gateway] = append(byGateway[x.Gateway], x)
	}
	t := p.table("Gateways", "gateway", "version", "results")
	for _, gateway := range slices.SortedFunc(maps.Keys(byGateway), byNameThenVersion) {
		versions := map[string]bool{}
		for _, x := range byGateway[gateway] {
			if x.Detected != "" {
				versions[x.Detected] = true
			}
		}
		t.row(gateway, cmp.Or(strings.Join(slices.Sorted(maps.Keys(versions)), ", "), "-"), Run{Results: byGateway[gateway]}.Tally())
	}
}

func (r Run) markdownExperiments(p *markdownPage) {
	t := p.table("Experiments", "scenario", "gateway", "fix", "finding")
	for _, x := range r.Results {
		if x.Experiment != nil {
			t.row(x.Scenario, x.on(), x.gravest().Promise, x.Experiment.String())
		}
	}
}

// markdownKnown counts the known deviations of each gateway, and has a row for each below.
func (r Run) markdownKnown(p *markdownPage) {
	known := map[string]int{}
	for _, x := range r.Results {
		if x.isKnown() {
			known[x.Gateway]++
		}
	}
	t := p.table("Known deviations", "gateway", "known")
	for _, gateway := range slices.SortedFunc(maps.Keys(known), byNameThenVersion) {
		t.row(gateway, fmt.Sprint(known[gateway]))
	}
	if len(known) == 0 {
		return
	}
	p.folded("Which they are", func() {
		t := p.table("", "scenario", "gateway", "ruling", "promise", "reason")
		for _, x := range r.Results {
			for _, v := range x.Verdicts {
				if x.isKnown() && (v.Ruling == expect.Known || v.Ruling == expect.KnownGone) {
					t.row(x.Scenario, x.on(), v.Ruling.String(), v.Promise, cmp.Or(v.Reason, "-"))
				}
			}
		}
	})
}

// isKnown reports whether known.yaml has the last word on a result. An entry that is out of date is told as well: it is to be
// taken out, and red where the run is strict.
func (r Result) isKnown() bool {
	return r.NotRun == "" && (r.Ruling == expect.Known || r.Ruling == expect.KnownGone)
}

func (r Run) markdownNotRun(p *markdownPage) {
	all := missing(r.Results)
	slices.SortStableFunc(all, func(a, b notRunOn) int { // the most frequent reason first
		return cmp.Or(byNameThenVersion(a.Gateway, b.Gateway), len(b.Scenarios)-len(a.Scenarios))
	})
	t := p.table("Not run", "gateway", "scenarios", "why")
	for _, m := range all {
		t.row(m.Gateway, fmt.Sprint(len(m.Scenarios)), m.Why)
	}
}

// markdownRuns says where and how each suite ran, and the commands that do it again.
func (r Run) markdownRuns(p *markdownPage) {
	t := p.table("How it was run", "suite", "seed", "gateways", "profile", "strict", "thresholds", "began", "took", "environment")
	var again []string
	for _, e := range r.Suites {
		strict := "no"
		if e.Strict {
			strict = "yes"
		}
		t.row(e.Suite, fmt.Sprint(e.Seed), e.Gateways, e.Profile, strict, cmp.Or(e.Thresholds, "-"), e.Began.UTC().Format(time.RFC3339),
			e.Ended.Sub(e.Began).Round(time.Second).String(), fmt.Sprintf("%s, %s, %s, on %s", e.System, count(e.CPUs, "CPU"), e.Go, e.Host))
		again = append(again, r.command(e))
	}
	p.commands(again)
}

// command runs a suite again as it was run. Its package is as the results name it, which may be in another module.
func (r Run) command(e Environment) string {
	test := "go test ./suites/" + e.Suite
	for _, x := range r.Results {
		if before, _, has := strings.Cut(x.Repeat, " -run "); has && x.Suite() == e.Suite {
			test = before
			break
		}
	}
	command := fmt.Sprintf("%s -bg.gateway=%s -bg.profile=%s -bg.seed=%d", test, e.Gateways, e.Profile, e.Seed)
	if e.Strict {
		command += " -bg.strict"
	}
	if e.Thresholds != "" {
		command += " -bg.thresholds=" + e.Thresholds
	}
	return command
}
