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
