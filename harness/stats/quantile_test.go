package stats

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestNormalQuantileAgreesWithTables(t *testing.T) {
	for level, want := range map[Level]float64{
		0.5:   0.674490,
		0.9:   1.644854,
		0.95:  1.959964,
		0.99:  2.575829,
		0.999: 3.290527,
	} {
		assert.InDelta(t, want, normalQuantile(level), 1e-6, "level %v", level)
	}
}

func TestStudentQuantileAgreesWithTables(t *testing.T) {
	for _, row := range []struct {
		freedom          float64
		at95, at98, at99 float64 // two-sided
	}{
		{freedom: 1, at95: 12.706205, at98: 31.820516, at99: 63.656741},
		{freedom: 2, at95: 4.302653, at98: 6.964557, at99: 9.924843},
		{freedom: 3, at95: 3.182446, at98: 4.540703, at99: 5.840909},
		{freedom: 5, at95: 2.570582, at98: 3.364930, at99: 4.032143},
		{freedom: 10, at95: 2.228139, at98: 2.763769, at99: 3.169273},
		{freedom: 30, at95: 2.042272, at98: 2.457262, at99: 2.749996},
		{freedom: 100, at95: 1.983972, at98: 2.364217, at99: 2.625891},
		{freedom: 1000, at95: 1.962339, at98: 2.330083, at99: 2.580755},
	} {
		assert.InDelta(t, row.at95, studentQuantile(0.05, row.freedom), 1e-6, "95 %%, %v degrees", row.freedom)
		assert.InDelta(t, row.at98, studentQuantile(0.02, row.freedom), 1e-6, "98 %%, %v degrees", row.freedom)
		assert.InDelta(t, row.at99, studentQuantile(0.01, row.freedom), 1e-6, "99 %%, %v degrees", row.freedom)
	}
}

// Above ten million degrees of freedom the normal quantile stands in; there must be no visible step.
func TestStudentQuantileMeetsTheNormalOne(t *testing.T) {
	for _, level := range []Level{0.5, 0.95, 0.999} {
		assert.InDelta(t, normalQuantile(level), studentQuantile(level.alpha(), 9.99e6), 2e-6, "just below, level %v", level)
		assert.InDelta(t, normalQuantile(level), studentQuantile(level.alpha(), 1.01e7), 1e-12, "just above, level %v", level)
	}
}

// P(X >= k) of a binomial is I_p(k, n-k+1), and can also be summed term by term.
func TestIncompleteBetaIsTheBinomialTail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "n")
		k := rapid.IntRange(1, n).Draw(t, "k")
		p := rapid.Float64Range(1e-6, 1-1e-6).Draw(t, "p")

		tail := 0.0
		for i := k; i <= n; i++ {
			tail += binomial(i, n, p)
		}
		assert.InDelta(t, tail, incompleteBeta(float64(k), float64(n-k+1), p), 1e-10)
	})
}

func TestIncompleteBetaAtTheEnds(t *testing.T) {
	assert.Zero(t, incompleteBeta(2, 3, 0))
	assert.Equal(t, 1.0, incompleteBeta(2, 3, 1)) //nolint:testifylint // exact on purpose
}

// Exact two-sided Clopper-Pearson limits as tabulated by Newcombe, Statistics in Medicine 17 (1998) 857-872, table I.
// They check the inversion behind Count.low; alpha is halved here, since his limits are two-sided.
func TestExactLimitsAgreeWithNewcombe(t *testing.T) {
	exactLow := func(k, n int) float64 {
		return bisect(0, float64(k)/float64(n), func(p float64) bool {
			return incompleteBeta(float64(k), float64(n-k+1), p) <= 0.025
		})
	}
	assert.InDelta(t, 0.2527, exactLow(81, 263), 5e-5)
	assert.InDelta(t, 0.3676, 1-exactLow(263-81, 263), 5e-5)
	assert.InDelta(t, 0.0578, exactLow(15, 148), 5e-5)
	assert.InDelta(t, 0.1617, 1-exactLow(148-15, 148), 5e-5)
	assert.InDelta(t, 0.1684, 1-exactLow(20, 20), 5e-5)
	assert.InDelta(t, 0.0009, exactLow(1, 29), 5e-5)
	assert.InDelta(t, 0.1776, 1-exactLow(28, 29), 5e-5)
}
