package reports

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/badgateway/badgateway/harness/expect"
)

// benchmarkUnits are what is measured of each result. Less of each is better.
var benchmarkUnits = []string{"failures/op", "attempts/op", "connections/op", "duplicates/op", "p50-ns", "p99-ns"}

// Benchmarks writes benchmarks.txt, in the format of go test -bench, which benchstat compares: a line for each result, with a
// request for an iteration, and for an experiment one for each arm; none where the harness has failed. Times are those of good answers, and missing where there
// was none. Only what should not differ between runs that are compared is configuration: benchstat sets others apart.
func (r Run) Benchmarks(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, unit := range benchmarkUnits {
		fmt.Fprintf(b, "Unit %s better=lower\n", unit)
	}
	config := map[string]string{}
	say := func(key, value string) {
		if value != config[key] {
			config[key] = value
			fmt.Fprintf(b, "%s: %s\n", key, value)
		}
	}
	for _, x := range r.Results {
		if x.Ruling == expect.Error { // its facts are incomplete
			continue
		}
		name := benchmarkName(x)
		e := r.of(x.Suite())
		system, machine, _ := strings.Cut(e.System, "/")
		say("goos", oneWord(system))
		say("goarch", oneWord(machine))
		say("pkg", oneWord(x.Suite()))
		if x.Experiment != nil {
			benchmarkArm(b, name+"/arm=found", x.Experiment.Found)
			benchmarkArm(b, name+"/arm=fixed", x.Experiment.Fixed)
		} else {
			benchmarkLine(b, name, x.Summary.Requests, x.Summary.Failures, x.costs())
		}
	}
	return b.Flush()
}

// costs are the summary's. Version 1 of verdict.json had only the attempts.
func (r Result) costs() expect.Costs {
	costs := r.Summary.Costs
	if costs.Attempts == 0 {
		costs.Attempts = r.Summary.Attempts
	}
	return costs
}

func benchmarkArm(w io.Writer, name string, arm expect.Arm) {
	benchmarkLine(w, name, arm.N, arm.K, arm.Costs)
}

func benchmarkLine(w io.Writer, name string, requests, failures int, costs expect.Costs) {
	if requests == 0 {
		return
	}
	share := func(n int) string { return strconv.FormatFloat(float64(n)/float64(requests), 'g', 6, 64) }
	fmt.Fprintf(w, "%s %d %s failures/op %.6g attempts/op %.6g connections/op %s duplicates/op", name, requests, share(failures),
		costs.Attempts, costs.Connections, share(costs.Duplicates))
	took := func(unit string, d time.Duration) {
		if d > 0 {
			fmt.Fprintf(w, " %d %s", d.Nanoseconds(), unit)
		}
	}
	took("p50-ns", costs.Median)
	took("p99-ns", costs.Tail)
	fmt.Fprintln(w)
}

// benchmarkName is e.g. "BenchmarkIdleclose/TestRace/GET-before/gateway=nginx@1.30". The version that was detected is not in
// it: versions are what is compared.
func benchmarkName(x Result) string {
	first, size := utf8.DecodeRuneInString(x.Scenario)
	return "Benchmark" + oneWord(string(unicode.ToUpper(first))+x.Scenario[size:]) + "/gateway=" + oneWord(x.Gateway)
}

// oneWord is the text without what would end a word or a line.
func oneWord(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, text)
}
