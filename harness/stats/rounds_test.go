package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCompareRounds(t *testing.T) {
	before := []Count{{K: 10, N: 1000}, {K: 14, N: 1000}, {K: 6, N: 1000}}
	after := []Count{{K: 30, N: 1000}, {K: 38, N: 1000}, {K: 22, N: 1000}}
	got := CompareRounds(before, after, Confidence95)
	assert.Equal(t, Count{K: 30, N: 3000}, got.Old)
	assert.Equal(t, Count{K: 90, N: 3000}, got.New)
	// As the pooled t test of 1.0, 1.4, 0.6 and 3.0, 3.8, 2.2 %: t = 2.0 / sqrt((0.16 + 0.64)/2 · 2/3) = 3.8730, 4 degrees.
	assert.InDelta(t, studentTails(3.8730, 4), got.P, 1e-5)
	assert.InDelta(t, 0.0179, got.P, 1e-4)
	assert.InDelta(t, 0.02, got.Difference.Value, 1e-12)
	assert.Positive(t, got.Difference.Low)
	// 1.0 + 2.776445·0.5164 = 2.434 %, so 74 of 3000; under 1 % by as much there is nothing.
	assert.InDelta(t, 74.0/3000, got.Critical.More, 1e-12)
	assert.True(t, math.IsNaN(got.Critical.Less))
}

func TestCompareRoundsThatShowNothing(t *testing.T) {
	single := CompareRounds([]Count{{K: 3, N: 100}}, []Count{{K: 12, N: 100}}, Confidence95)
	assert.InDelta(t, Fisher(single.Old, single.New), single.P, 0, "one round of each")
	assert.True(t, math.IsNaN(single.Critical.Less))
	assert.InDelta(t, single.Old.Critical(100, Confidence95).More, single.Critical.More, 0)

	clean := CompareRounds([]Count{{N: 100}, {N: 100}}, []Count{{N: 100}, {N: 100}}, Confidence95)
	assert.InDelta(t, 1, clean.P, 0)
	assert.Zero(t, clean.Difference.Value)
	assert.InDelta(t, 6.0/200, clean.Critical.More, 1e-12)

	none := CompareRounds([]Count{{K: 3, N: 100}, {K: 1, N: 100}, {K: 2, N: 100}}, nil, Confidence95)
	assert.InDelta(t, 1, none.P, 0)
	assert.False(t, none.Difference.Low > 0 || none.Difference.High < 0)
	assert.True(t, math.IsNaN(none.Critical.More) && math.IsNaN(none.Critical.Less))

	// One bad round of three is no reason to blame the new gateway, whatever its trials say.
	bad := CompareRounds([]Count{{N: 1000}, {N: 1000}, {N: 1000}}, []Count{{N: 1000}, {K: 30, N: 1000}, {N: 1000}}, Confidence95)
	assert.Less(t, Fisher(bad.Old, bad.New), 1e-8)
	assert.Greater(t, bad.P, 0.3)
	assert.Negative(t, bad.Difference.Low)
}

func TestCompareRoundsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) []Count {
			return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Count { return drawCount(t, 500) }), 1, 6).Draw(t, name)
		}
		before, after := draw("old"), draw("new")
		got, back := CompareRounds(before, after, Confidence95), CompareRounds(after, before, Confidence95)
		require.InDelta(t, got.P, back.P, 1e-9, "the other way round")
		require.InDelta(t, got.Difference.Low, -back.Difference.High, 1e-9)
		require.GreaterOrEqual(t, got.P, Fisher(got.Old, got.New), "rounds do not make trials count for more")
		require.LessOrEqual(t, got.P, 1.0)
		share := got.New.Share()
		if beyond := share >= got.Critical.More || share <= got.Critical.Less; math.Abs(got.P-0.05) > 1e-9 && beyond != (got.P <= 0.05) {
			edges := got.Old.Critical(got.New.N, Confidence95) // Fisher's p may fall unevenly, see Count.Critical
			require.True(t, share < edges.More && share > edges.Less, "%+v", got)
		}
	})
}

// How often two things that do not differ are said to, at 5 % and at what Holm asks of the first of forty, and how often the
// interval misses; in brackets by Fisher's test of all trials. At 5 %, of 4000 runs:
//
//	rounds                         2              3              5             10
//	1 %, independent          1 %  (4 %)     2 %  (4 %)     3 %  (4 %)     4 %  (5 %)
//	1 %, varying 11-fold      5 % (50 %)     4 % (51 %)     4 % (52 %)     4 % (53 %)
//	10 %, varying 11-fold     5 % (56 %)     5 % (55 %)     5 % (56 %)     5 % (56 %)
func TestFalseAlarmsOfCompareRounds(t *testing.T) {
	const runs = 250
	random := rand.New(rand.NewPCG(42, 14))
	for _, number := range []int{2, 3, 5, 10} {
		for _, row := range []struct{ share, alike float64 }{
			{0.01, 0}, {0.1, 0}, {0.01, 0.001}, {0.01, 0.01}, {0.1, 0.01}, {0.002, 0.01}, {0.05, 0.1},
		} {
			naive, missed, first := 0, 0, 0
			wrong := often(runs, func() bool {
				c := CompareRounds(rounds(random, number, 1000, row.share, row.alike), rounds(random, number, 1000, row.share, row.alike), Confidence95)
				if Fisher(c.Old, c.New) <= 0.05 {
					naive++
				}
				if c.Difference.Low > 0 || c.Difference.High < 0 {
					missed++
				}
				if c.P <= 0.05/40 {
					first++
				}
				return c.P <= 0.05
			})
			of := fmt.Sprintf("%d rounds, %+v", number, row)
			t.Logf("%s: %.1f %% (%.0f %%), at 0.125 %% %.2f %%, interval misses %.1f %%",
				of, 100*wrong, 100*float64(naive)/runs, 100*float64(first)/runs, 100*float64(missed)/runs)
			assert.LessOrEqual(t, Count{K: int(wrong*runs + 0.5), N: runs}.Interval(Confidence95).Low, 0.05, of)
			assert.LessOrEqual(t, float64(missed)/runs, 0.07, of)
			assert.LessOrEqual(t, float64(first)/runs, 0.008, of)
			if row.alike >= 0.01 {
				assert.Greater(t, float64(naive)/runs, 0.2, "else this test proves nothing: %s", of)
			}
		}
	}
}

// A change from 1 to 3 % is found.
func TestPowerOfCompareRounds(t *testing.T) {
	random := rand.New(rand.NewPCG(42, 16))
	for _, row := range []struct {
		rounds      int
		alike, want float64
	}{{3, 0, 0.95}, {5, 0, 0.99}, {5, 0.001, 0.95}, {10, 0.01, 0.8}} {
		found := often(500, func() bool {
			c := CompareRounds(rounds(random, row.rounds, 1000, 0.01, row.alike), rounds(random, row.rounds, 1000, 0.03, row.alike), Confidence95)
			return c.P <= 0.05 && c.Difference.Value > 0
		})
		t.Logf("%+v: %.1f %%", row, 100*found)
		assert.GreaterOrEqual(t, found, row.want, "%+v", row)
	}
}
