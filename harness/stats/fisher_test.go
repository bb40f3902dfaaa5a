package stats

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The lady tasting tea; twins of criminals (Fisher 1935); Agresti, Categorical Data Analysis (2002), table 3.10.
func TestFisherAgreesWithPublishedValues(t *testing.T) {
	for _, row := range []struct {
		a, b Count
		want float64
	}{
		{Count{K: 3, N: 4}, Count{K: 1, N: 4}, 0.4857142857},
		{Count{K: 4, N: 4}, Count{K: 0, N: 4}, 0.0285714286},
		{Count{K: 2, N: 17}, Count{K: 10, N: 13}, 0.0005367241},
		{Count{K: 0, N: 0}, Count{K: 3, N: 4}, 1},
		{Count{K: 0, N: 10}, Count{K: 0, N: 7}, 1},
		{Count{K: 10, N: 10}, Count{K: 7, N: 7}, 1},
		{Count{K: 0, N: 0}, Count{K: 0, N: 0}, 1},
	} {
		assert.InDelta(t, row.want, Fisher(row.a, row.b), 1e-10, "%v %v", row.a, row.b)
	}
}

// byCounting adds up the tables in whole numbers.
func byCounting(a, b Count) float64 {
	m := a.K + b.K
	least := max(0, m-b.N)
	tables := new(big.Int).Binomial(int64(a.N), int64(least))
	tables.Mul(tables, new(big.Int).Binomial(int64(b.N), int64(m-least)))
	var all []*big.Int
	for x := least; x <= min(m, a.N); x++ {
		all = append(all, new(big.Int).Set(tables))
		tables.Mul(tables, big.NewInt(int64((a.N-x)*(m-x))))
		tables.Quo(tables, big.NewInt(int64((x+1)*(b.N-m+x+1))))
	}
	seen := new(big.Int).Mul(all[a.K-least], big.NewInt(10_000_001))
	unlikely := new(big.Int)
	for _, here := range all {
		if new(big.Int).Mul(here, big.NewInt(10_000_000)).Cmp(seen) <= 0 {
			unlikely.Add(unlikely, here)
		}
	}
	p, _ := new(big.Rat).SetFrac(unlikely, new(big.Int).Binomial(int64(a.N+b.N), int64(m))).Float64()
	return p
}

func TestFisherAgreesWithCounting(t *testing.T) {
	for of := range 11 * 11 * 11 * 11 {
		a, b := Count{K: of % 11, N: of / 11 % 11}, Count{K: of / 121 % 11, N: of / 1331}
		if a.K <= a.N && b.K <= b.N {
			require.InEpsilon(t, byCounting(a, b), Fisher(a, b), 1e-14, "%v %v", a, b)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawCount(t, 120), drawCount(t, 120)
		p := Fisher(a, b)
		require.InEpsilon(t, byCounting(a, b), p, 1e-11)
		require.InEpsilon(t, p, Fisher(b, a), 1e-11, "whichever comes first")
		require.InEpsilon(t, p, Fisher(Count{K: a.N - a.K, N: a.N}, Count{K: b.N - b.K, N: b.N}), 1e-11, "whichever way is counted")
	})
}

func TestFisherOfManyTrials(t *testing.T) {
	for _, counts := range [][2]Count{
		{{K: 40, N: 5000}, {K: 90, N: 5000}},
		{{K: 2500, N: 5000}, {K: 2400, N: 5000}},
		{{K: 10, N: 3000}, {K: 600, N: 2000}}, // 1e-185
	} {
		assert.InEpsilon(t, byCounting(counts[0], counts[1]), Fisher(counts[0], counts[1]), 1e-10, "%v", counts)
	}
	// Of ten million the normal distribution says the same: with half a trial for continuity.
	a, b := Count{K: 1_500_000, N: 5_000_000}, Count{K: 1_502_000, N: 5_000_000}
	p := float64(a.K+b.K) / 1e7
	z := (1000 - 0.5) / math.Sqrt(1e7/4*p*(1-p))
	assert.InEpsilon(t, normalTails(z), Fisher(a, b), 1e-5)
	assert.Zero(t, Fisher(Count{N: 5_000_000}, Count{K: 5_000_000, N: 5_000_000}), "and far beyond, none")
	assert.Zero(t, Fisher(Count{K: 1000, N: 5_000_000}, Count{K: 2_500_000, N: 5_000_000}))
}

func TestFalseAlarmsOfFisher(t *testing.T) {
	random := rand.New(rand.NewPCG(42, 10))
	for _, row := range []struct {
		n     int
		share float64
	}{{20, 0.3}, {200, 0.1}, {1000, 0.01}, {2000, 0.2}} {
		wrong := often(2000, func() bool {
			return Fisher(drawn(random, row.n, row.share), drawn(random, row.n, row.share)) <= 0.05
		})
		t.Logf("%+v: %.1f %%", row, 100*wrong)
		assert.LessOrEqual(t, wrong, 0.055, "%+v", row)
		assert.Positive(t, wrong, "else this test proves nothing")
	}
}

func TestCritical(t *testing.T) {
	clean := Count{K: 0, N: 1000}.Critical(1000, Confidence95)
	assert.True(t, math.IsNaN(clean.Less), "nothing is less than nothing")
	assert.InDelta(t, 0.006, clean.More, 1e-12, "6 of 1000 against none: p = 0.031; 5: 0.062")
	for _, none := range []struct {
		c Count
		n int
	}{{Count{}, 10}, {Count{K: 1, N: 2}, 0}, {Count{K: 1, N: 2}, 2}} {
		got := none.c.Critical(none.n, Confidence95)
		assert.True(t, math.IsNaN(got.Less) && math.IsNaN(got.More), "%v", none)
	}
	assert.Panics(t, func() { Count{K: 1, N: 2}.Critical(-1, Confidence95) })
	assert.Panics(t, func() { Count{K: 1, N: 2}.Critical(10, 95) })
}

// What it says is significant, and one trial less is not; where it says that nothing is, nothing is.
func TestCriticalIsOnTheEdge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, n, level := drawCount(t, 300), rapid.IntRange(1, 300).Draw(t, "new"), levels.Draw(t, "level")
		significant := func(k int) bool { return Fisher(c, Count{K: k, N: n}) <= level.alpha() }
		check := func(edge float64, furthest, nearer int) {
			if math.IsNaN(edge) {
				require.False(t, significant(furthest), "none would do, and this one does")
				return
			}
			k := int(math.Round(edge * float64(n)))
			require.InDelta(t, Count{K: k, N: n}.Share(), edge, 0, "a share of n")
			require.True(t, significant(k))
			require.False(t, significant(k+nearer))
			require.Equal(t, nearer > 0, edge < c.Share(), "on its side")
		}
		got := c.Critical(n, level)
		check(got.Less, 0, 1)
		check(got.More, n, -1)
	})
}

func BenchmarkFisher(b *testing.B) {
	for name, counts := range map[string][2]Count{
		"thousands":   {{K: 10, N: 1000}, {K: 30, N: 1000}},
		"ten million": {{K: 1_500_000, N: 5_000_000}, {K: 1_502_000, N: 5_000_000}},
		"far apart":   {{K: 1000, N: 5_000_000}, {K: 2_500_000, N: 5_000_000}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Fisher(counts[0], counts[1])
			}
		})
	}
}
