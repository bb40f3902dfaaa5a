package reports_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/reports"
)

const version1 = "testdata/version1"

// What the first version wrote is read for good, and every face of it can be made.
func TestVersion1(t *testing.T) {
	t.Parallel()
	r, err := reports.Open(filepath.Join(version1, reports.ResultsFile))
	require.NoError(t, err)
	assert.Equal(t, version1, r.Dir)
	assert.Equal(t, map[string]int{"pass": 1, "known": 2, "not run": 1}, r.Counts())
	require.Len(t, r.Suites, 4)
	assert.Equal(t, "build-7", r.Suites[0].Host)
	known := r.Results[0]
	assert.Equal(t, "idleclose/TestPostIsNotSentAgain/pooled-fin", known.Scenario)
	assert.Equal(t, 25, known.Verdicts[1].K)
	assert.Equal(t, "POST", known.Verdicts[1].Witness.Method)
	assert.Equal(t, "orders-1", known.Verdicts[1].Witness.Arrivals[0].Backend)
	assert.NotNil(t, known.Timeline)

	r.Dir = t.TempDir()
	require.NoError(t, r.WriteFaces())
	again, err := reports.Open(filepath.Join(r.Dir, reports.ResultsFile))
	require.NoError(t, err)
	assert.Equal(t, r.Results, again.Results)
	assert.Equal(t, r.Suites, again.Suites)

	// Beside another one it is read and shown, and takes nothing's place.
	text, err := os.ReadFile(filepath.Join(r.Dir, reports.ResultsFile))
	require.NoError(t, err)
	other := filepath.Join(r.Dir, "other.json")
	require.NoError(t, os.WriteFile(other, []byte(`{"version": 1, "results": []}`), 0o600))
	empty, err := reports.Open(other)
	require.NoError(t, err)
	require.NoError(t, empty.WriteFaces())
	left, err := os.ReadFile(filepath.Join(r.Dir, reports.ResultsFile))
	require.NoError(t, err)
	assert.Equal(t, text, left)
}

func TestVerdictVersion1(t *testing.T) {
	t.Parallel()
	r, err := reports.Open(version1)
	require.NoError(t, err)
	require.Len(t, r.Results, 1)
	assert.Empty(t, r.Problems)
	assert.Equal(t, 1, r.Results[0].Version)
	assert.Equal(t, expect.Known, r.Results[0].Ruling)
	assert.Equal(t, 50, r.Results[0].Summary.Requests)
	assert.Nil(t, r.Results[0].Case)
	r.Dir = t.TempDir()
	require.NoError(t, r.WriteFaces())
	assert.NotEmpty(t, parseBenchmarks(t, rendered(t, r.Benchmarks)))
	assert.NotEmpty(t, parseMetrics(t, rendered(t, r.OpenMetrics)))
	read, _ := junitOf(t, r)
	assert.Equal(t, "0.000", read.Suites[0].Cases[0].Time)
}

// A file that is no results.json, or only some of it, is told as what it is, in one line.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(filepath.Join(version1, reports.ResultsFile))
	require.NoError(t, err)
	text := string(whole)
	for want, text := range map[string]string{
		"it is cut short after 8780 bytes; make it anew from the folder of the run": text[:len(text)/2],
		"version 2 is of a newer badgateway; this one reads 1 to 1":                 strings.Replace(text, `"version": 1`, `"version": 2`, 1),
		"it has no version, so it is no results.json":                               strings.Replace(text, `"version": 1,`, "", 1),
		`unknown ruling "passed"`:                                                   strings.Replace(text, `"ruling": "pass"`, `"ruling": "passed"`, 1),
		"invalid character 'h'":                                                     "here",
		"it is cut short after 0 bytes":                                             "",
	} {
		path := filepath.Join(t.TempDir(), reports.ResultsFile)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		_, err := reports.Open(path)
		require.ErrorContains(t, err, path+": "+want)
		assert.NotContains(t, err.Error(), "\n")
	}
	_, err = reports.Open(filepath.Join(version1, "nowhere.json"))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = reports.Open(t.TempDir())
	require.ErrorContains(t, err, "no results here")
}

// One verdict.json that cannot be read is told in one line, and costs none of the others.
func TestCollectBesideABrokenVerdict(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		x := result(expect.Pass)
		x.Scenario, x.Dir = "idleclose/Test"+strings.ToUpper(name), filepath.Join(dir, "idleclose", name)
		require.NoError(t, os.MkdirAll(x.Dir, 0o755))
		require.NoError(t, reports.Save(x))
	}
	broken := filepath.Join(dir, "idleclose", "b", "verdict.json")
	text, err := os.ReadFile(broken)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(broken, text[:len(text)/2], 0o644))
	environment, err := json.Marshal(everyRuling().Suites[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "idleclose", reports.EnvironmentFile), environment, 0o644))

	r, err := reports.Collect(dir)
	require.NoError(t, err)
	assert.Equal(t, []string{broken + ": unexpected end of JSON input"}, r.Problems)
	require.Len(t, r.Results, 2)
	assert.Equal(t, []string{"idleclose/a", "idleclose/c"}, []string{r.Results[0].Dir, r.Results[1].Dir})
	assert.Equal(t, everyRuling().Suites[0].Seed, r.Suites[0].Seed)

	read, _ := junitOf(t, r)
	assert.Equal(t, []int{3, 1}, []int{read.Tests, read.Errors})
	assert.Contains(t, rendered(t, r.Markdown), "unexpected end of JSON input")
	assert.Contains(t, parseMetrics(t, rendered(t, r.OpenMetrics)), "badgateway_problems")
}
