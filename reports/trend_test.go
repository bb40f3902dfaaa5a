package reports_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/reports"
)

// nights are runs of twenty scenarios, of which the first fails more from some night on.
func nights(t *testing.T, n, from int) reports.Trend {
	t.Helper()
	dir, random := t.TempDir(), rand.New(rand.NewPCG(1, uint64(n)))
	for night := range n {
		began := time.Date(2026, 11, 1+night, 2, 0, 0, 0, time.UTC)
		r := reports.Run{Suites: []reports.Environment{{Suite: "churn", Began: began, Profile: "nightly", Seed: uint64(night)}}}
		for s := range 20 {
			share, ruling := 0.01, expect.Pass
			if s == 0 && night >= from {
				share, ruling = 0.05, expect.Fail
			}
			if s == 19 {
				share = 0
			}
			k := 0
			for range 1000 {
				if random.Float64() < share {
					k++
				}
			}
			r.Results = append(r.Results, reports.Result{
				Scenario: fmt.Sprintf("churn/TestRollout/%02d", s), Gateway: "nginx@1.30", Detected: "1.30.6", Ruling: ruling,
				Summary: reports.Summary{Requests: 1000, Failures: k, Costs: expect.Costs{Median: 3 * time.Millisecond}},
			})
		}
		r.Results = append(r.Results, reports.Result{Scenario: "churn/TestOther", Gateway: "envoy@1.39", NotRun: "no image"})
		path, err := r.Point().Keep(dir)
		require.NoError(t, err)
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Less(t, info.Size(), int64(8000), "a small file")
	}
	trend, err := reports.LoadTrend(dir)
	require.NoError(t, err)
	return trend
}

// A change is found in the series that has it, on the night since when it is there, and in no other.
func TestTrendFindsTheChange(t *testing.T) {
	t.Parallel()
	trend := nights(t, 14, 9)
	for _, s := range trend.Series() {
		if s.Scenario == "churn/TestRollout/00" {
			require.NotNil(t, s.Change)
			assert.Equal(t, 9, s.Change.Since)
			assert.Less(t, s.Change.P, 0.05)
		} else {
			assert.Nil(t, s.Change, s.Scenario)
		}
	}
	var b bytes.Buffer
	require.NoError(t, trend.Text(&b))
	assert.Contains(t, b.String(), "14 runs, 2026-11-01 02:00 to 2026-11-14 02:00\n")
	assert.Contains(t, b.String(), "since 2026-11-10 02:00  churn/TestRollout/00  nginx@1.30 (1.30.6)  failures ")
	assert.Contains(t, b.String(), "1 of 20 series show a change")

	b.Reset()
	require.NoError(t, trend.HTML(&b))
	assert.Contains(t, b.String(), "churn/TestRollout/00</b> on nginx@1.30 (1.30.6): since 2026-11-10 02:00 failures")
	assert.Contains(t, b.String(), "1 series are not drawn")
	assert.NotContains(t, b.String(), "ZgotmplZ")
}

// The night on which a verdict turns says so, before there is enough for a change of the share.
func TestTrendTellsVerdictsThatTurn(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, nights(t, 3, 2).Text(&b))
	assert.Contains(t, b.String(), "in the last run  churn/TestRollout/00  nginx@1.30 (1.30.6)  was pass, is fail")
	b.Reset()
	require.NoError(t, nights(t, 1, 2).Text(&b))
	assert.Contains(t, b.String(), "0 of 20 series show a change")
}

func TestTrendKeepsWhatItCanRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := reports.LoadTrend(dir)
	require.ErrorContains(t, err, dir+": no runs of a trend here")
	_, err = reports.Run{}.Point().Keep(dir)
	require.EqualError(t, err, "nobody knows when the run began: it has no run.json")
	_, err = reports.Run{Suites: []reports.Environment{{Began: time.Unix(1, 0)}}}.Point().Keep(dir)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.json"), []byte(`{"version": 9}`), 0o600))
	trend, err := reports.LoadTrend(dir)
	require.NoError(t, err)
	assert.Len(t, trend.Points, 1)
	require.Len(t, trend.Problems, 1)
	assert.Contains(t, trend.Problems[0], "x.json: version 9, this badgateway reads 1 to 1")
}
