package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The values of R's p.adjust(method = "holm").
func TestHolm(t *testing.T) {
	nan := math.NaN()
	for _, row := range []struct{ p, want []float64 }{
		{nil, nil},
		{[]float64{0.04}, []float64{0.04}},
		{[]float64{0.01, 0.02, 0.03, 0.04}, []float64{0.04, 0.06, 0.06, 0.06}},
		{[]float64{0.04, 0.03, 0.02, 0.01}, []float64{0.06, 0.06, 0.06, 0.04}},
		{[]float64{0.01, 0.9, 0.8}, []float64{0.03, 1, 1}},
		{[]float64{nan, 0.02, nan, 0.02}, []float64{nan, 0.04, nan, 0.04}},
	} {
		got := Holm(row.p)
		require.Len(t, got, len(row.want))
		for i, want := range row.want {
			if math.IsNaN(want) {
				assert.True(t, math.IsNaN(got[i]), "%v", row.p)
			} else {
				assert.InDelta(t, want, got[i], 1e-12, "%v", row.p)
			}
		}
	}
}

func TestHolmProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOf(rapid.Float64Range(0, 1)).Draw(t, "p")
		got := Holm(p)
		for i := range p {
			require.GreaterOrEqual(t, got[i], p[i])
			require.LessOrEqual(t, got[i], min(1, p[i]*float64(len(p))), "no dearer than Bonferroni's")
			for j := range p {
				require.False(t, p[i] < p[j] && got[i] > got[j], "in the order of p")
			}
		}
	})
}

// Of forty gateways and scenarios, ten have changed and thirty have not: one of those is called changed in at most 5 % of
// nights, and in most if every p is taken for itself.
func TestFamilyOfHolm(t *testing.T) {
	const runs, family, changed = 1000, 40, 10
	random := rand.New(rand.NewPCG(42, 11))
	alone := 0
	wrong := often(runs, func() bool {
		p := make([]float64, family)
		for i := range p {
			share := 0.1
			if i < changed {
				share = 0.2
			}
			p[i] = Fisher(drawn(random, 200, 0.1), drawn(random, 200, share))
		}
		any := false
		for _, p := range p[changed:] {
			any = any || p <= 0.05
		}
		if any {
			alone++
		}
		for _, p := range Holm(p)[changed:] {
			if p <= 0.05 {
				return true
			}
		}
		return false
	})
	t.Logf("wrong in %.1f %% of families, and in %.1f %% without", 100*wrong, 100*float64(alone)/runs)
	assert.LessOrEqual(t, wrong, 0.05)
	assert.Greater(t, float64(alone)/runs, 0.4, "else this test proves nothing")
}
