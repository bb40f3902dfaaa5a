package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The permeability of chorioamnion, Hollander, Wolfe, Nonparametric Statistical Methods (1973), 69f, as in the examples of R's
// wilcox.test: one-sided p = 0.1272.
var (
	atTerm = []float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}
	early  = []float64{1.15, 0.88, 0.90, 0.74, 1.21}
)

func TestMannWhitneyAgreesWithPublishedValues(t *testing.T) {
	for _, row := range []struct {
		a, b   []float64
		want   float64
		within float64
	}{
		{early, atTerm, 2 * 0.1272, 1e-4},
		{[]float64{1, 2, 3}, []float64{4, 5, 6}, 0.1, 1e-12}, // 2 of 20
		{[]float64{1, 2, 3, 4}, []float64{5, 6, 7, math.Inf(1)}, 2.0 / 70, 1e-12},
		{[]float64{1, 1, 2}, []float64{2, 3, 3}, 0.2, 1e-12}, // 2 of 20 ways at or under the seen
		{[]float64{5, 5}, []float64{5, 5, 5}, 1, 1e-12},
		{nil, []float64{1}, 1, 0},
		{[]float64{1}, nil, 1, 0},
	} {
		assert.InDelta(t, row.want, MannWhitney(row.a, row.b), row.within, "%v %v", row.a, row.b)
		assert.InDelta(t, row.want, MannWhitney(row.b, row.a), row.within, "%v %v", row.b, row.a)
	}
	assert.True(t, math.IsNaN(MannWhitney([]float64{1, math.NaN()}, []float64{1})))
	assert.InDelta(t, 1, MannWhitney(make([]float64, 30), make([]float64, 30)), 0, "all equal, and many")
}

func drawValues(t *rapid.T, atMost int, name string) []float64 {
	return rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 9), func(v int) float64 { return float64(v) }), 1, atMost).Draw(t, name)
}

// byParting goes through all ways to part the values, and counts the pairs of each.
func byParting(a, b []float64) float64 {
	all := slices.Concat(a, b)
	pairs := func(mine uint) (u float64) {
		for i, x := range all {
			for j, y := range all {
				if mine>>i&1 == 1 && mine>>j&1 == 0 {
					if x < y {
						u++
					} else if x == y {
						u += 0.5
					}
				}
			}
		}
		return u
	}
	seen := pairs(1<<len(a) - 1)
	low, high, ways := 0.0, 0.0, 0.0
	for mine := range uint(1) << len(all) {
		size := 0
		for i := range all {
			size += int(mine >> i & 1)
		}
		if size != len(a) {
			continue
		}
		u := pairs(mine)
		ways++
		if u <= seen {
			low++
		}
		if u >= seen {
			high++
		}
	}
	return min(1, 2*min(low, high)/ways)
}

func TestMannWhitneyAgreesWithParting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawValues(t, 5, "a"), drawValues(t, 5, "b")
		require.InDelta(t, byParting(a, b), MannWhitney(a, b), 1e-12)
	})
}

// Where one begins, the other is close: no step at 400 pairs, ties or not.
func TestMannWhitneyMeetsTheNormalOne(t *testing.T) {
	random := rand.New(rand.NewPCG(42, 12))
	for _, coarse := range []float64{0, 0.5} {
		for range 5 {
			a, b := values(random, 20, 0), values(random, 20, 0.5)
			for i := range a {
				if coarse > 0 {
					a[i], b[i] = math.Round(a[i]/coarse), math.Round(b[i]/coarse)
				}
			}
			ranks, sum, ties := midranks(a, b)
			require.Len(t, ranks, 40)
			z := (math.Abs(float64(sum)/2-410) - 0.5) / math.Sqrt(400.0/12*(41-ties/(40*39)))
			assert.InDelta(t, min(1, normalTails(z)), MannWhitney(a, b), 0.02)
		}
	}
}

// values are skewed, as latencies are: exponential ones, moved by shift.
func values(r *rand.Rand, n int, shift float64) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = r.ExpFloat64() + shift
	}
	return all
}

func TestFalseAlarmsOfRanks(t *testing.T) {
	random := rand.New(rand.NewPCG(42, 13))
	for _, row := range []struct {
		n, m  int
		ties  bool
		shift float64
		runs  int
	}{
		{5, 5, false, 0, 1000},
		{8, 8, true, 0, 500},
		{12, 5, false, 1, 1000},
		{30, 30, true, 0, 300},
		{30, 40, false, 1, 300},
	} {
		t.Run(fmt.Sprintf("%+v", row), func(t *testing.T) {
			covered := 0
			found := often(row.runs, func() bool {
				a, b := values(random, row.n, 0), values(random, row.m, row.shift)
				if row.ties {
					for _, values := range [][]float64{a, b} {
						for i := range values {
							values[i] = math.Round(2 * values[i])
						}
					}
				}
				if i := HodgesLehmann(a, b, Confidence95); i.Low <= row.shift && row.shift <= i.High {
					covered++
				}
				return MannWhitney(a, b) <= 0.05
			})
			t.Logf("finds a shift in %.1f %%, holds the shift in %.1f %%", 100*found, 100*float64(covered)/float64(row.runs))
			assert.GreaterOrEqual(t, float64(covered)/float64(row.runs), 0.94)
			if row.shift == 0 {
				assert.LessOrEqual(t, found, 0.05)
				assert.Positive(t, found, "else this test proves nothing")
			} else {
				assert.Greater(t, found, 0.4, "else this test proves nothing")
			}
		})
	}
}

// R's wilcox.test(atTerm, early, conf.int = TRUE): 0.305, -0.15 to 0.76.
func TestHodgesLehmann(t *testing.T) {
	got := HodgesLehmann(early, atTerm, Confidence95)
	assert.InDelta(t, 0.305, got.Value, 1e-12)
	assertInterval(t, Interval{Low: -0.15, High: 0.76}, got.Interval, 1e-12, "chorioamnion")

	infinite := Interval{Low: math.Inf(-1), High: math.Inf(1)}
	few := HodgesLehmann([]float64{1, 2, 3}, []float64{4, 5, 6}, Confidence95)
	assert.Equal(t, infinite, few.Interval, "three of each are 2 ways of 20 at best")
	assert.InDelta(t, 3, few.Value, 0)
	four := HodgesLehmann([]float64{1, 2, 3, 4}, []float64{5, 6, 7, 8}, Confidence95)
	assert.Equal(t, Estimate{Value: 4, Interval: Interval{Low: 1, High: 7}}, four, "four of each: the whole range")
	assert.Equal(t, Estimate{}, HodgesLehmann(make([]float64, 40), make([]float64, 40), Confidence95))

	for _, none := range [][2][]float64{{nil, {1}}, {{1}, nil}, {{1}, {math.Inf(1)}}, {{math.NaN()}, {1}}} {
		got := HodgesLehmann(none[0], none[1], Confidence95)
		assert.True(t, math.IsNaN(got.Value))
		assert.Equal(t, infinite, got.Interval)
	}
	assert.Panics(t, func() { HodgesLehmann(early, atTerm, 95) })
}

func TestHodgesLehmannProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, level := drawValues(t, 30, "a"), drawValues(t, 30, "b"), levels.Draw(t, "level")
		got := HodgesLehmann(a, b, level)
		var all []float64
		for _, x := range a {
			for _, y := range b {
				all = append(all, y-x)
			}
		}
		slices.Sort(all)
		require.InDelta(t, (all[(len(all)-1)/2]+all[len(all)/2])/2, got.Value, 0, "the median of all pairs")
		require.LessOrEqual(t, got.Low, got.Value)
		require.LessOrEqual(t, got.Value, got.High)
		back := HodgesLehmann(b, a, level)
		require.Equal(t, Estimate{-got.Value + 0, Interval{-got.High + 0, -got.Low + 0}}, back, "the other way round")
	})
}
