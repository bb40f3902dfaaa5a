package reports_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/reports"
)

var (
	descriptor = regexp.MustCompile(`^# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$`)
	sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$`)
	label      = regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"`)
	// suffixes are what the names of samples end in, by the type of their family.
	suffixes = map[string]string{"counter": "_total", "gauge": "", "summary": ""}
)

// parseMetrics reads by the grammar of OpenMetrics 1.0: families one after the other, each described before its samples, no
// two samples alike, and the end said. It returns the values by name and labels.
func parseMetrics(t *testing.T, text string) map[string]float64 {
	t.Helper()
	lines, ended := strings.CutSuffix(text, "# EOF\n")
	require.True(t, ended)
	values, families := map[string]float64{}, map[string]map[string]string{}
	current := ""
	for line := range strings.Lines(lines) {
		line = strings.TrimSuffix(line, "\n")
		if d := descriptor.FindStringSubmatch(line); d != nil {
			if d[2] != current {
				require.NotContains(t, families, d[2], "a family is in one place")
				current = d[2]
				families[current] = map[string]string{}
			}
			require.NotContains(t, families[current], d[1], line)
			families[current][d[1]] = d[3]
			continue
		}
		s := sampleLine.FindStringSubmatch(line)
		require.NotNil(t, s, line)
		family := families[current]
		suffix, known := suffixes[family["TYPE"]]
		require.True(t, known, line)
		assert.Equal(t, current+suffix, s[1])
		assert.NotEmpty(t, family["HELP"])
		if unit := family["UNIT"]; unit != "" {
			assert.True(t, strings.HasSuffix(current, "_"+unit), line)
		}
		labels := map[string]bool{}
		for _, pair := range label.FindAllStringSubmatch(s[2], -1) {
			assert.False(t, labels[pair[1]], "%s twice in %s", pair[1], line)
			labels[pair[1]] = true
		}
		assert.Equal(t, family["TYPE"] == "summary", labels["quantile"], line)
		value, err := strconv.ParseFloat(s[3], 64)
		require.NoError(t, err)
		key := strings.TrimSuffix(line, " "+s[3])
		require.NotContains(t, values, key)
		values[key] = value
	}
	return values
}

func TestOpenMetrics(t *testing.T) {
	t.Parallel()
	r := everyRuling()
	r.Problems = []string{"x/verdict.json: unexpected end"}
	r.Results[0].Summary.Costs = expect.Costs{Attempts: 1.5, Connections: 0.25, Duplicates: 1, Median: 2 * time.Millisecond, Tail: 3 * time.Second}
	values := parseMetrics(t, rendered(t, r.OpenMetrics))
	const of = `{suite="idleclose",scenario="TestPost-pass",gateway="nginx@1.30",version="1.30.6"`
	for sample, want := range map[string]float64{
		`badgateway_run_info{suite="idleclose",run="1",seed="7",profile="smoke",strict="false",system="linux/amd64",cpus="2",go="go1.26.8"}`: 1,
		`badgateway_problems`: 1,
		`badgateway_scenarios{gateway="nginx@1.30",verdict="known, but gone"}`: 1,
		`badgateway_scenarios{gateway="envoy",verdict="not run"}`:              1,
		`badgateway_scenarios{gateway="envoy",verdict="inconclusive"}`:         0,
		`badgateway_verdicts` + of + `,ruling="pass"}`:                         1,
		`badgateway_verdicts` + of + `,ruling="fail"}`:                         0,
		`badgateway_requests_total` + of + `}`:                                 2,
		`badgateway_failures_total` + of + `}`:                                 1,
		`badgateway_touched_total` + of + `}`:                                  1,
		`badgateway_touched_failures_total` + of + `}`:                         1,
		`badgateway_duplicates_total` + of + `}`:                               1,
		`badgateway_attempts_per_request` + of + `}`:                           1.5,
		`badgateway_connections_per_request` + of + `}`:                        0.25,
		`badgateway_latency_seconds` + of + `,quantile="0.5"}`:                 0.002,
		`badgateway_latency_seconds` + of + `,quantile="0.99"}`:                3,
	} {
		got, is := values[sample]
		assert.True(t, is, sample)
		assert.InDelta(t, want, got, 0, sample)
	}
	for sample := range values {
		assert.NotContains(t, sample, "TestA", "what was not run has no numbers")
	}
	assert.Contains(t, values, `badgateway_requests_total{suite="idleclose",scenario="TestHard/a|b \\ \"c\" <d> &\n`+
		"`e`, \x00 \x1b[31m \uFFFD ]]> *_~# {g}"+`",gateway="envoy",version="1.30.6"}`)
}

// A folder may hold several runs of a scenario; a sample may not be there twice.
func TestOpenMetricsOfSeveralRuns(t *testing.T) {
	t.Parallel()
	r := everyRuling()
	again := r.Results[0]
	again.Dir = "runs/y"
	r.Results = append(r.Results, again)
	r.Suites = append(r.Suites, r.Suites[0])
	values := parseMetrics(t, rendered(t, r.OpenMetrics))
	assert.Contains(t, values, `badgateway_requests_total{suite="idleclose",scenario="TestPost-pass",gateway="nginx@1.30",version="1.30.6",dir="runs/y"}`)
	assert.Len(t, parseMetrics(t, rendered(t, reports.Run{}.OpenMetrics)), 1)
}
