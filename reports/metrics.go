package reports

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/badgateway/badgateway/harness/expect"
)

// OpenMetrics writes metrics.txt: the run in numbers, in the text format of OpenMetrics 1.0, without timestamps. Every
// ruling has a sample, zeros included, so that alerts need not ask whether there is one.
func (r Run) OpenMetrics(w io.Writer) error {
	m := metrics{Writer: bufio.NewWriter(w)}
	m.family("badgateway_run_info", "gauge", "", "How a suite was run.") // no info: the older text format has no such type
	for i, e := range r.Suites {
		m.sample("badgateway_run_info", 1, "suite", e.Suite, "run", strconv.Itoa(i+1), "seed", strconv.FormatUint(e.Seed, 10), "profile", e.Profile,
			"strict", strconv.FormatBool(e.Strict), "system", e.System, "cpus", strconv.Itoa(e.CPUs), "go", e.Go)
	}
	m.family("badgateway_problems", "gauge", "", "Files of the run that could not be read, and cases that were broken off.")
	m.sample("badgateway_problems", float64(len(r.Problems)))
	r.scenarioMetrics(m)

	ran := r.labelled(func(x Result) bool { return x.NotRun == "" })
	m.family("badgateway_verdicts", "gauge", "", "Promises of a scenario, by what their judgement came to.")
	for _, x := range ran {
		for _, ruling := range severity {
			n := 0
			for _, v := range x.Verdicts {
				if v.Ruling == ruling {
					n++
				}
			}
			m.sample("badgateway_verdicts", float64(n), append(x.labels, "ruling", ruling.String())...)
		}
	}
	counter := func(name, help string, of func(Summary) int) {
		m.family(name, "counter", "", help)
		for _, x := range ran {
			m.sample(name+"_total", float64(of(x.Summary)), x.labels...)
		}
	}
	counter("badgateway_requests", "Requests that the client sent.", func(s Summary) int { return s.Requests })
	counter("badgateway_failures", "Requests that a user would call failed.", func(s Summary) int { return s.Failures })
	counter("badgateway_touched", "Requests that a fault touched.", func(s Summary) int { return s.Touched })
	counter("badgateway_touched_failures", "Requests that a fault touched and that failed.", func(s Summary) int { return s.TouchedFailures })
	counter("badgateway_duplicates", "Requests of methods that are not idempotent whose work was done more than once.",
		func(s Summary) int { return s.Costs.Duplicates })
	r.costMetrics(m)
	fmt.Fprintln(m, "# EOF")
	return m.Flush()
}

// scenarioMetrics counts results by gateway and by what they came to.
func (r Run) scenarioMetrics(m metrics) {
	m.family("badgateway_scenarios", "gauge", "", "Scenarios by the gravest of their verdicts, or not run.")
	byGateway, gateways := map[string][]Result{}, []string(nil)
	for _, x := range r.Results {
		if byGateway[x.Gateway] == nil {
			gateways = append(gateways, x.Gateway)
		}
		byGateway[x.Gateway] = append(byGateway[x.Gateway], x)
	}
	for _, gateway := range gateways {
		counts := Run{Results: byGateway[gateway]}.Counts()
		for _, ruling := range severity {
			m.sample("badgateway_scenarios", float64(counts[ruling.String()]), "gateway", gateway, "verdict", ruling.String())
		}
		m.sample("badgateway_scenarios", float64(counts[wordNotRun]), "gateway", gateway, "verdict", wordNotRun)
	}
}

// costMetrics are means and quantiles, which are there where there was a request, or a good answer.
func (r Run) costMetrics(m metrics) {
	asked := r.labelled(func(x Result) bool { return x.NotRun == "" && x.Summary.Requests > 0 })
	mean := func(name, help string, of func(expect.Costs) float64) {
		m.family(name, "gauge", "", help)
		for _, x := range asked {
			m.sample(name, of(x.costs()), x.labels...)
		}
	}
	mean("badgateway_attempts_per_request", "Mean number of arrivals of a request at backends.", func(c expect.Costs) float64 { return c.Attempts })
	mean("badgateway_connections_per_request", "Mean number of connections opened to backends for a request.", func(c expect.Costs) float64 { return c.Connections })
	m.family("badgateway_latency_seconds", "summary", "seconds", "How long good answers took since they were due.")
	for _, x := range asked {
		if c := x.costs(); c.Median > 0 {
			m.sample("badgateway_latency_seconds", c.Median.Seconds(), append(x.labels, "quantile", "0.5")...)
			m.sample("badgateway_latency_seconds", c.Tail.Seconds(), append(x.labels, "quantile", "0.99")...)
		}
	}
}

// labelled is a result with its labels: pairs of name and value. No two results have the same.
type labelled struct {
	Result
	labels []string
}

// labelled gives those results that are asked for their labels. Of a scenario with several results on a gateway each has its
// folder as well.
func (r Run) labelled(asked func(Result) bool) []labelled {
	var all []labelled
	repeated := r.repeated()
	for _, x := range r.Results {
		if !asked(x) {
			continue
		}
		labels := []string{"suite", x.Suite(), "scenario", x.Test(), "gateway", x.Gateway, "version", x.Detected}
		if repeated[[2]string{x.Scenario, x.Gateway}] {
			labels = append(labels, "dir", x.Dir)
		}
		all = append(all, labelled{x, labels[:len(labels):len(labels)]}) // what is appended is the sample's alone
	}
	return all
}

// metrics writes families, and the samples that follow each.
type metrics struct{ *bufio.Writer }

func (m metrics) family(name, kind, unit, help string) {
	fmt.Fprintf(m, "# TYPE %s %s\n", name, kind)
	if unit != "" {
		fmt.Fprintf(m, "# UNIT %s %s\n", name, unit)
	}
	fmt.Fprintf(m, "# HELP %s %s\n", name, help)
}

// quoted escapes what OpenMetrics has escaped in the value of a label.
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func (m metrics) sample(name string, value float64, labels ...string) {
	var pairs []string
	for i := 0; i+1 < len(labels); i += 2 {
		pairs = append(pairs, labels[i]+`="`+quoted.Replace(strings.ToValidUTF8(labels[i+1], "\uFFFD"))+`"`)
	}
	if len(pairs) > 0 {
		name += "{" + strings.Join(pairs, ",") + "}"
	}
	fmt.Fprintf(m, "%s %s\n", name, strconv.FormatFloat(value, 'g', -1, 64))
}
