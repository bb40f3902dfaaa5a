package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func groupsOf(groups ...[]float64) Groups {
	var g Groups
	for _, values := range groups {
		var s Sample
		for _, v := range values {
			s.Add(v)
		}
		g = append(g, s)
	}
	return g
}

// Ten equal values each in groups are worth as many values as there are groups; groups of one are a sample.
func TestGroups(t *testing.T) {
	var alike, single Groups
	var sample Sample
	for i := range 40 {
		value := float64(i % 5)
		sample.Add(value)
		var ten Sample
		for range 10 {
			ten.Add(value)
		}
		alike = append(alike, ten)
		single = append(single, groupsOf([]float64{value})...)
	}
	want := sample.Interval(Confidence95)
	for _, g := range []Groups{alike, single} {
		got := g.Interval(Confidence95)
		assert.InDelta(t, 2, g.Mean(), 1e-12)
		assert.InDelta(t, want.Low, got.Low, 1e-6)
		assert.InDelta(t, want.High, got.High, 1e-6)
	}
}

func TestGroupsThatKnowNothing(t *testing.T) {
	infinite := Interval{Low: math.Inf(-1), High: math.Inf(1)}
	assert.Equal(t, infinite, Groups{}.Interval(Confidence95))
	assert.Equal(t, infinite, groupsOf([]float64{1, 2, 3}).Interval(Confidence95), "one connection says nothing of others")
	assert.Equal(t, infinite, groupsOf([]float64{1}, []float64{math.Inf(1)}).Interval(Confidence95))
	assert.Equal(t, Interval{Low: 2, High: 2}, groupsOf([]float64{2, 2}, []float64{2}).Interval(Confidence95))
	balanced := groupsOf([]float64{1, 3}, []float64{3, 1}, []float64{1, 3}).Interval(Confidence95)
	assert.Greater(t, balanced.High, 2.5, "groups that are more alike than chance would have them prove nothing")
}

// Requests of one connection are tried as often as each other. The interval by connections covers the true mean as often as
// it says, and the one by requests does not.
func TestCoverageOfGroups(t *testing.T) {
	const runs = 10_000
	for _, row := range []struct {
		name   string
		groups int
		size   func(*rand.Rand) int
		share  float64 // of connections, or requests, that need a second attempt
		alike  float64 // how often a request does what its connection does
	}{
		{"alike", 40, func(*rand.Rand) int { return 10 }, 0.5, 1},
		{"alike, few groups", 29, func(*rand.Rand) int { return 20 }, 0.3, 1},
		{"half alike", 60, func(*rand.Rand) int { return 10 }, 0.3, 0.7},
		{"of many sizes", 60, func(r *rand.Rand) int { return 1 + r.IntN(30) }, 0.4, 1},
		{"of most different sizes", 100, func(r *rand.Rand) int { return 1 + int(10*r.ExpFloat64()) }, 0.3, 1},
		{"independent", 50, func(*rand.Rand) int { return 10 }, 0.3, 0},
		{"single", 200, func(*rand.Rand) int { return 1 }, 0.3, 1},
	} {
		random := rand.New(rand.NewPCG(42, 3))
		covered, naive := 0, 0
		for range runs {
			var g Groups
			var all Sample
			for range row.groups {
				tried, group := random.Float64() < row.share, Sample{}
				for range row.size(random) {
					again := tried
					if random.Float64() >= row.alike {
						again = random.Float64() < row.share
					}
					value := 1.0
					if again {
						value = 2
					}
					group.Add(value)
					all.Add(value)
				}
				g = append(g, group)
			}
			mean := 1 + row.share
			if i := g.Interval(Confidence95); i.Low <= mean && mean <= i.High {
				covered++
			}
			if i := all.Interval(Confidence95); i.Low <= mean && mean <= i.High {
				naive++
			}
		}
		by, byRequests := float64(covered)/runs, float64(naive)/runs
		t.Logf("%s: %.1f %% by connections, %.1f %% by requests", row.name, 100*by, 100*byRequests)
		assert.Greater(t, by, 0.94, row.name)
		assert.Less(t, by, 0.97, row.name)
		if row.alike > 0.5 && row.name != "single" {
			assert.Less(t, byRequests, 0.85, "else this test proves nothing")
		}
	}
}
