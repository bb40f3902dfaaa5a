package reports_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/reports"
)

// benchmark is a line of results as the Go benchmark data format has it: a name, iterations, pairs of value and unit.
type benchmark struct {
	name       string
	iterations int
	values     map[string]float64
	config     map[string]string
}

var (
	configLine = regexp.MustCompile(`^([a-z][^\s:A-Z]*): ?(.*)$`)
	unitLine   = regexp.MustCompile(`^Unit (\S+)( \S+=\S+)+$`)
)

// parseBenchmarks reads by the grammar of https://go.dev/design/14313-benchmark-format, and refuses what it does not know.
func parseBenchmarks(t *testing.T, text string) (all []benchmark) {
	t.Helper()
	config, better := map[string]string{}, []string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if unit := unitLine.FindStringSubmatch(line); unit != nil {
			better = append(better, unit[1])
			continue
		}
		if pair := configLine.FindStringSubmatch(line); pair != nil {
			config[pair[1]] = pair[2]
			continue
		}
		words := strings.Fields(line)
		require.Equal(t, strings.Join(words, " "), line)
		name, is := strings.CutPrefix(words[0], "Benchmark")
		require.True(t, is, line)
		require.False(t, unicode.IsLower([]rune(name)[0]), line)
		require.Zero(t, len(words)%2, line)
		b := benchmark{name: name, values: map[string]float64{}, config: map[string]string{}}
		for key, value := range config {
			b.config[key] = value
		}
		var err error
		b.iterations, err = strconv.Atoi(words[1])
		require.NoError(t, err)
		require.Positive(t, b.iterations)
		for pair := range slices.Chunk(words[2:], 2) {
			value, err := strconv.ParseFloat(pair[0], 64)
			require.NoError(t, err)
			assert.Contains(t, better, pair[1])
			assert.NotContains(t, b.values, pair[1])
			b.values[pair[1]] = value
		}
		all = append(all, b)
	}
	return all
}

func TestBenchmarks(t *testing.T) {
	t.Parallel()
	r := everyRuling()
	r.Results[0].Summary.Costs = expect.Costs{Attempts: 1.5, Connections: 0.5, Duplicates: 1, Median: 2 * time.Millisecond, Tail: 3 * time.Second}
	tried := result(expect.Pass)
	tried.Scenario = "field/uwsgi/TestFix"
	tried.Experiment = &expect.Experiment{
		Found: expect.Arm{K: 1, N: 4, Costs: expect.Costs{Attempts: 1}}, Fixed: expect.Arm{N: 8, Costs: expect.Costs{Attempts: 2}},
	}
	r.Results = append(r.Results, tried)
	all := parseBenchmarks(t, rendered(t, r.Benchmarks))
	require.Len(t, all, 8, "what was not run, or failed to be, is not there")

	pass := all[0]
	assert.Equal(t, "Idleclose/TestPost-pass/gateway=nginx@1.30", pass.name)
	assert.Equal(t, 2, pass.iterations)
	assert.Equal(t, map[string]string{"goos": "linux", "goarch": "amd64", "pkg": "idleclose"}, pass.config)
	assert.Equal(t, map[string]float64{
		"failures/op": 0.5, "attempts/op": 1.5, "connections/op": 0.5, "duplicates/op": 0.5, "p50-ns": 2e6, "p99-ns": 3e9,
	}, pass.values)
	assert.Contains(t, all[5].name, "Idleclose/TestHard/a|b")

	found, fixed := all[6], all[7]
	assert.Equal(t, "Field/uwsgi/TestFix/gateway=nginx@1.30/arm=found", found.name)
	assert.Equal(t, "Field/uwsgi/TestFix/gateway=nginx@1.30/arm=fixed", fixed.name)
	assert.Equal(t, map[string]string{"goos": "", "goarch": "", "pkg": "field/uwsgi"}, found.config)
	assert.Equal(t, map[string]float64{"failures/op": 0.25, "attempts/op": 1, "connections/op": 0, "duplicates/op": 0}, found.values, "no good answer, no time")
	assert.Equal(t, 8, fixed.iterations)
}

// Version 1 of verdict.json knew the attempts alone.
func TestBenchmarksOfVersion1(t *testing.T) {
	t.Parallel()
	x := result(expect.Pass)
	x.Summary.Costs, x.Summary.Attempts = expect.Costs{}, 1.25
	all := parseBenchmarks(t, rendered(t, reports.Run{Results: []reports.Result{x}}.Benchmarks))
	require.Len(t, all, 1)
	assert.InDelta(t, 1.25, all[0].values["attempts/op"], 0)
}
