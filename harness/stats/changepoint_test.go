package stats

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestChangePoint(t *testing.T) {
	for _, row := range []struct {
		name   string
		series []Count
		at     int
		p      float64
		within float64
	}{
		{"nothing", nil, 0, 1, 0},
		{"one run", []Count{{K: 3, N: 10}}, 0, 1, 0},
		{"two runs", []Count{{K: 3, N: 4}, {K: 1, N: 4}}, 1, 0.4857, 1e-4},
		{"the same each night", []Count{{K: 1, N: 9}, {K: 1, N: 9}, {K: 1, N: 9}}, 1, 1, 0},
		{"clean each night", []Count{{N: 9}, {N: 9}, {N: 9}}, 1, 1, 0},
		{"broken since", []Count{{N: 100}, {N: 100}, {N: 100}, {K: 90, N: 100}, {K: 91, N: 100}, {K: 89, N: 100}}, 3, 0, 1e-4},
		{"mended since", []Count{{K: 20, N: 100}, {K: 17, N: 100}, {}, {K: 21, N: 100}, {K: 1, N: 100}, {K: 2, N: 100}, {N: 100}}, 4, 0, 0.01},
	} {
		at, p := ChangePoint(row.series)
		assert.Equal(t, row.at, at, row.name)
		assert.InDelta(t, row.p, p, row.within, row.name)
	}
}

func TestChangePointOfConstantSeries(t *testing.T) {
	const runs = 400
	random := rand.New(rand.NewPCG(42, 17))
	for _, nights := range []int{5, 10, 20, 40} {
		for _, row := range []struct{ share, alike, most float64 }{
			{0.02, 0, 0.05}, {0.2, 0, 0.05}, {0.02, 0.001, 0.05}, {0.02, 0.01, 0.05}, {0.1, 0.01, 0.05}, {0.02, 0.1, 0.17},
		} {
			wrong := often(runs, func() bool {
				_, p := ChangePoint(rounds(random, nights, 1000, row.share, row.alike))
				return p <= 0.05
			})
			t.Logf("%d nights, %+v: %.1f %%", nights, row, 100*wrong)
			assert.LessOrEqual(t, Count{K: int(wrong*runs + 0.5), N: runs}.Interval(Confidence95).Low, row.most, "%d nights, %+v", nights, row)
		}
	}
}

func TestChangePointFindsAJump(t *testing.T) {
	random := rand.New(rand.NewPCG(42, 18))
	for _, row := range []struct {
		nights, at  int
		alike       float64
		found, here float64
	}{
		{10, 5, 0, 0.95, 0.9}, {20, 15, 0, 0.98, 0.9}, {20, 10, 0.001, 0.98, 0.8}, {40, 33, 0.001, 0.9, 0.7},
	} {
		here := 0
		found := often(300, func() bool {
			at, p := ChangePoint(append(
				rounds(random, row.at, 1000, 0.01, row.alike),
				rounds(random, row.nights-row.at, 1000, 0.03, row.alike)...))
			if p <= 0.05 && at == row.at {
				here++
			}
			return p <= 0.05
		})
		t.Logf("%+v: found in %.1f %%, at the right night in %.1f %%", row, 100*found, float64(here)/3)
		assert.GreaterOrEqual(t, found, row.found, "%+v", row)
		assert.GreaterOrEqual(t, float64(here)/300, row.here, "%+v", row)
	}
}
