package stats

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10.
func TestDifferenceAgreesWithPublishedValues(t *testing.T) {
	wilson := func(c Count) Estimate { return Estimate{c.Share(), c.Wilson(Confidence95)} }
	for counts, want := range map[[2]Count]Interval{
		{{K: 56, N: 70}, {K: 48, N: 80}}: {Low: 0.0524, High: 0.3339},
		{{K: 9, N: 10}, {K: 3, N: 10}}:   {Low: 0.1705, High: 0.8090},
		{{K: 6, N: 7}, {K: 2, N: 7}}:     {Low: 0.0582, High: 0.8062},
		{{K: 5, N: 56}, {K: 0, N: 29}}:   {Low: -0.0381, High: 0.1926},
	} {
		got := wilson(counts[0]).Less(wilson(counts[1]))
		assertInterval(t, want, got.Interval, 1e-4, counts)
		assert.InDelta(t, counts[0].Share()-counts[1].Share(), got.Value, 1e-12)
		back := wilson(counts[1]).Less(wilson(counts[0]))
		assertInterval(t, Interval{Low: -got.High, High: -got.Low}, back.Interval, 1e-12, counts)
	}
}

// How often the interval holds the true difference, and how often it says that there is one where there is none, with the
// intervals to judge by.
func TestCoverageOfDifferences(t *testing.T) {
	const runs = 20_000
	random := rand.New(rand.NewPCG(42, 2))
	draw := func(n int, share float64) (c Count) {
		c.N = n
		for range n {
			if random.Float64() < share {
				c.K++
			}
		}
		return c
	}
	for _, row := range []struct {
		n    int
		a, b float64
	}{
		{50, 0.5, 0.5}, {200, 0.1, 0.1}, {200, 0.02, 0.02}, {400, 0.05, 0.01}, {100, 0.9, 0.3}, {200, 0.3, 0}, {100, 1, 0.5},
	} {
		covered, found := 0, 0
		for range runs {
			d := draw(row.n, row.a).Estimate(Confidence95).Less(draw(row.n, row.b).Estimate(Confidence95))
			if d.Low <= row.a-row.b && row.a-row.b <= d.High {
				covered++
			}
			if d.Low > 0 || d.High < 0 {
				found++
			}
		}
		t.Logf("%+v: holds the difference in %.1f %%, says that there is one in %.1f %%", row, 100*float64(covered)/runs, 100*float64(found)/runs)
		assert.Greater(t, float64(covered)/runs, 0.94, "%+v", row)
		if row.a == row.b {
			assert.Less(t, float64(found)/runs, 0.06, "%+v", row) // few trials make coarse counts
		} else {
			assert.Greater(t, float64(found)/runs, 0.8, "else this test proves nothing: %+v", row)
		}
	}
}

// What was not tried differs from nothing.
func TestDifferenceFromNothing(t *testing.T) {
	d := Count{K: 5, N: 10}.Estimate(Confidence95).Less(Count{}.Estimate(Confidence95))
	assert.False(t, d.Low > 0 || d.High < 0)
}
