package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// decisions says how often a run with looks at these numbers of trials decides what: computed over the binomials, not
// drawn. decide judges one look.
func decisions(share float64, trials []int, decide func(look int, c Count) Decision) map[Decision]float64 {
	came := map[Decision]float64{}
	open := []float64{1} // the chance of having come here with k failures, undecided
	before := 0
	for i, n := range trials {
		next := make([]float64, n+1)
		for k, chance := range open {
			if chance < 1e-18 {
				continue
			}
			for more := range n - before + 1 {
				next[k+more] += chance * binomial(more, n-before, share)
			}
		}
		for k, chance := range next {
			if decision := decide(i+1, Count{K: k, N: n}); decision != Extend {
				came[decision] += chance
				next[k] = 0
			}
		}
		open, before = next, n
	}
	return came
}

// The rule keeps its error rate wherever the true share is, just on the wrong side of the bound above all; looks at 95 %
// each do not.
//
//	looks at                     bound    falsely over, under     at 95 % each
//	50 100 150 200 250            5 %      1.8 %   0.8 %           8.5 %   3.0 %
//	100 200 400                   5 %      2.7 %   1.1 %           6.1 %   2.9 %
//	100 200 300 400 500          20 %      2.0 %   1.2 %           7.9 %   6.6 %
//	200 400 600 ... 1600          1 %      1.6 %   0.4 %           9.5 %   5.5 %
func TestLooks(t *testing.T) {
	for _, row := range []struct {
		trials []int
		bound  float64
	}{
		{[]int{50, 100, 150, 200, 250}, 0.05},
		{[]int{100, 200, 400}, 0.05},
		{[]int{100, 200, 300, 400, 500}, 0.2},
		{[]int{200, 400, 600, 800, 1000, 1200, 1400, 1600}, 0.01},
	} {
		t.Run(fmt.Sprint(row.trials, row.bound), func(t *testing.T) {
			looks := Looks{Most: len(row.trials), Level: Confidence95}
			rule := func(look int, c Count) Decision { return looks.Decide(look, c, row.bound) }
			retried := func(look int, c Count) Decision {
				decision := Looks{Most: 1, Level: Confidence95}.Decide(1, c, row.bound)
				if decision == Undecided && look < len(row.trials) {
					return Extend
				}
				return decision
			}
			just := math.Nextafter(row.bound, 1)
			over, under := decisions(row.bound, row.trials, rule)[Broken], decisions(just, row.trials, rule)[Kept]
			naiveOver, naiveUnder := decisions(row.bound, row.trials, retried)[Broken], decisions(just, row.trials, retried)[Kept]
			t.Logf("falsely over %.4f, under %.4f; at 95 %% each %.4f and %.4f", over, under, naiveOver, naiveUnder)
			assert.LessOrEqual(t, over, 0.05)
			assert.LessOrEqual(t, under, 0.05)
			assert.Greater(t, max(naiveOver, naiveUnder), 0.06, "else this test proves nothing")
			for _, share := range []float64{row.bound * 0.5, row.bound * 0.8, row.bound * 0.95} {
				assert.LessOrEqual(t, decisions(share, row.trials, rule)[Broken], over)
				assert.LessOrEqual(t, decisions(row.bound*2-share, row.trials, rule)[Kept], under)
			}
		})
	}
}

// The same by simulation, as a run would do it: trial after trial, on the bound, where every decision over it is wrong.
func TestLooksBySimulation(t *testing.T) {
	const runs, bound, step = 5_000, 0.05, 100
	looks := Looks{Most: 5, Level: Confidence95}
	random := rand.New(rand.NewPCG(42, 0))
	wrong, decided := 0, 0
	for range runs {
		c := Count{}
		decision := Extend
		for look := 1; decision == Extend; look++ {
			for range step {
				c.N++
				if random.Float64() < bound {
					c.K++
				}
			}
			decision = looks.Decide(look, c, bound)
		}
		if decision == Broken {
			wrong++
		}
		if decision != Undecided {
			decided++
		}
	}
	t.Logf("broken in %.2f %% of runs, decided in %.2f %%", 100*float64(wrong)/runs, 100*float64(decided)/runs)
	assert.True(t, Count{K: wrong, N: runs}.Interval(Confidence95).AtOrUnder(0.05))
	assert.Positive(t, wrong)
}

func TestLooksDecide(t *testing.T) {
	looks := Looks{Most: 2, Level: Confidence95}
	assert.InDelta(t, 0.975, float64(looks.Each()), 1e-12)
	assert.Equal(t, Kept, looks.Decide(1, Count{K: 0, N: 100}, 0.05))
	assert.Equal(t, Broken, looks.Decide(1, Count{K: 30, N: 100}, 0.05))
	assert.Equal(t, Extend, looks.Decide(1, Count{K: 5, N: 100}, 0.05))
	assert.Equal(t, Undecided, looks.Decide(2, Count{K: 10, N: 200}, 0.05))
	assert.Equal(t, Extend, looks.Decide(1, Count{}, 0.05))
	assert.InDelta(t, 0.95, float64(Looks{Most: 1, Level: Confidence95}.Each()), 1e-12)
	for _, wrong := range []func(){
		func() { Looks{Level: Confidence95}.Each() },
		func() { Looks{Most: 1, Level: 95}.Each() },
		func() { looks.Decide(0, Count{}, 0.05) },
		func() { looks.Decide(3, Count{}, 0.05) },
	} {
		assert.Panics(t, wrong)
	}
	assert.Zero(t, Undecided)
}
