package stats

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestDispersion(t *testing.T) {
	for _, row := range []struct {
		name   string
		groups [][]Count
		want   Dispersion
	}{
		{"nothing", nil, Dispersion{}},
		{"one round of each", [][]Count{{{K: 3, N: 10}}, {{K: 5, N: 10}}}, Dispersion{}},
		{"all one way", [][]Count{{{N: 10}, {N: 10}}, {{K: 10, N: 10}, {K: 10, N: 10}}}, Dispersion{}},
		// p = 0.2 of 100 each: expected 20, variance 16; (6² + 6²)/16 = 4.5
		{"two rounds", [][]Count{{{K: 14, N: 100}, {K: 26, N: 100}}}, Dispersion{Phi: 4.5, Freedom: 1}},
		{"a round that was not made", [][]Count{{{K: 14, N: 100}, {}, {K: 26, N: 100}}}, Dispersion{Phi: 4.5, Freedom: 1}},
		{"pooled with what is alike", [][]Count{{{K: 14, N: 100}, {K: 26, N: 100}}, {{K: 50, N: 100}, {K: 50, N: 100}}}, Dispersion{Phi: 2.25, Freedom: 2}},
		{"and with what shows nothing", [][]Count{{{K: 14, N: 100}, {K: 26, N: 100}}, {{N: 100}, {N: 100}}}, Dispersion{Phi: 4.5, Freedom: 1}},
	} {
		got := DispersionOf(row.groups...)
		assert.InDelta(t, row.want.Phi, got.Phi, 1e-12, row.name)
		assert.Equal(t, row.want.Freedom, got.Freedom, row.name)
	}
}

// Rounds of independent trials have one of 1, and rounds of n alike ones 1 + (n-1)·alike.
func TestDispersionIsWhatWasDrawn(t *testing.T) {
	random := rand.New(rand.NewPCG(42, 15))
	for alike, want := range map[float64]float64{0: 1, 0.01: 2.99, 0.1: 20.9} {
		d := DispersionOf(rounds(random, 4000, 200, 0.3, alike))
		assert.InEpsilon(t, want, d.Phi, 0.1, "alike %v", alike)
		assert.Equal(t, 3999, d.Freedom)
	}
}

func TestDispersionInParts(t *testing.T) {
	part := func(k ...int) (rounds []Count) {
		for _, k := range k {
			rounds = append(rounds, Count{K: k, N: 100})
		}
		return rounds
	}
	for _, row := range []struct {
		name   string
		things [][][]Count
		want   Dispersion
	}{
		{"nothing", nil, Dispersion{}},
		{"one round", [][][]Count{{part(3), part(5)}}, Dispersion{}},
		{"all one way", [][][]Count{{part(0, 0), part(0, 0)}, {part(100, 100)}}, Dispersion{}},
		{"what the schedule makes", [][][]Count{{part(100, 100), part(0, 0)}}, Dispersion{Freedom: 2}},
		// One part ends two trials later in the second round: 2·(1² + 1²) = 4 beside 400·0.265·0.735 = 77.91.
		{"and nearly so", [][][]Count{{part(52, 54), part(0, 0)}}, Dispersion{Phi: 4 / 77.91, Freedom: 2}},
		// 2·(10² + 10²) = 400 beside 400·0.05·0.95 = 19
		{"a burst", [][][]Count{{part(0, 20), part(0, 0)}}, Dispersion{Phi: 400 / 19.0, Freedom: 2}},
		{"pooled with what is calm", [][][]Count{{part(0, 20), part(0, 0)}, {part(10, 10), part(0, 0)}}, Dispersion{Phi: 400 / 38.0, Freedom: 4}},
	} {
		got := DispersionInParts(row.things...)
		assert.InDelta(t, row.want.Phi, got.Phi, 1e-9, row.name)
		assert.Equal(t, row.want.Freedom, got.Freedom, row.name)
	}
}

// Trials that fail in bursts, in two things that are the same: their intervals miss 0 as often as they say, or nearly, and
// those of independent trials many times as often. Where trials are independent nothing is lost.
func TestDifferenceOfBursts(t *testing.T) {
	random := rand.New(rand.NewPCG(42, 16))
	missing := func(rounds int, often float64) (allowing, ignoring float64) {
		const times = 2000
		for range times {
			var things [2][][]Count
			var all [2]Count
			for i := range things {
				for range 10 {
					var part []Count
					for range rounds {
						c := drawn(random, 200, 0.01)
						if random.Float64() < often {
							c.K += 5 + random.IntN(20)
						}
						part = append(part, c)
						all[i] = Clusters{all[i], c}.Count()
					}
					things[i] = append(things[i], part)
				}
			}
			d := DispersionInParts(things[:]...)
			if less := d.Estimate(all[0], Confidence95).Less(d.Estimate(all[1], Confidence95)); less.Low > 0 || less.High < 0 {
				allowing++
			}
			if less := all[0].Estimate(Confidence95).Less(all[1].Estimate(Confidence95)); less.Low > 0 || less.High < 0 {
				ignoring++
			}
		}
		return allowing / times, ignoring / times
	}
	for _, rounds := range []int{2, 4, 16} {
		allowing, ignoring := missing(rounds, 0.05)
		assert.Less(t, allowing, 0.08, "%d rounds", rounds)
		assert.Greater(t, ignoring, 0.2, "%d rounds", rounds)
		allowing, ignoring = missing(rounds, 0)
		assert.InDelta(t, ignoring, allowing, 0.03, "%d rounds of independent trials", rounds)
	}
}

func TestDispersionTakesFromTrials(t *testing.T) {
	c := Count{K: 100, N: 1000}
	assert.Equal(t, c.Estimate(Confidence95), Dispersion{}.Estimate(c, Confidence95), "unknown")
	assert.Equal(t, c.Estimate(Confidence95), Dispersion{Phi: 0.1, Freedom: 5}.Estimate(c, Confidence95), "never worth more")
	// (1.959964 / 2.776445)² of a quarter
	assert.InDelta(t, 1000*0.49833/4, Dispersion{Phi: 4, Freedom: 4}.Effective(1000, Confidence95), 0.01)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCount(t, 2000)
		d := Dispersion{Phi: rapid.Float64Range(0, 50).Draw(t, "phi"), Freedom: rapid.IntRange(0, 20).Draw(t, "freedom")}
		got, alone := d.Estimate(c, Confidence95), c.Estimate(Confidence95)
		assert.LessOrEqual(t, got.Low, alone.Low+1e-9)
		assert.GreaterOrEqual(t, got.High, alone.High-1e-9)
	})
}
