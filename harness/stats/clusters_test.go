package stats

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// On connections that are broken or not, ten requests on each are worth as many trials as there are connections.
func TestClustersOfWhatIsAlike(t *testing.T) {
	var alike Clusters
	for i := range 100 {
		group := Count{N: 10}
		if i%5 == 0 {
			group.K = 10
		}
		alike = append(alike, group)
	}
	assert.Equal(t, Count{K: 200, N: 1000}, alike.Count())
	assert.InDelta(t, 97, alike.Effective(Confidence95), 2)
	assertInterval(t, Count{K: 20, N: 100}.Interval(Confidence95), alike.Interval(Confidence95), 0.02, "alike")
}

// What is independent loses little by being in groups, and nothing by being in groups of one.
func TestClustersOfWhatIsNot(t *testing.T) {
	var single Clusters
	for i := range 400 {
		single = append(single, Count{K: (i % 5) / 4, N: 1})
	}
	assertInterval(t, Count{K: 80, N: 400}.Interval(Confidence95), single.Interval(Confidence95), 0.005, "single")
}

func TestClustersOfOneWay(t *testing.T) {
	none := Clusters{{N: 100}, {N: 100}, {N: 100}}
	assertInterval(t, Count{N: 3}.Interval(Confidence95), none.Interval(Confidence95), 1e-9, "none")
	all := Clusters{{K: 100, N: 100}, {K: 100, N: 100}}
	assertInterval(t, Count{K: 2, N: 2}.Interval(Confidence95), all.Interval(Confidence95), 1e-9, "all")
	one := Clusters{{K: 5, N: 100}}
	assert.Greater(t, one.Interval(Confidence95).High, 0.9, "one connection says nothing of others")
	assert.Equal(t, Interval{Low: 0, High: 1}, Clusters{}.Interval(Confidence95))
}

func TestClustersContainTheirShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Clusters
		for range rapid.IntRange(1, 40).Draw(t, "groups") {
			n := rapid.IntRange(1, 20).Draw(t, "n")
			c = append(c, Count{K: rapid.IntRange(0, n).Draw(t, "k"), N: n})
		}
		got, all := c.Interval(Confidence95), c.Count()
		assert.LessOrEqual(t, 0.0, got.Low)
		assert.LessOrEqual(t, got.Low, all.Share()+1e-9)
		assert.LessOrEqual(t, all.Share(), got.High+1e-9)
		assert.LessOrEqual(t, got.High, 1.0)
	})
}

// Requests of one connection fail together; each share is that of broken connections. The interval by connections covers
// the true share as often as it says, and the one by requests does not.
func TestCoverageOfClusters(t *testing.T) {
	const runs = 4000
	for _, row := range []struct {
		groups, each int
		share        float64
		alike        float64 // how often a request does what its connection does
	}{
		{20, 10, 0.3, 1}, {50, 20, 0.1, 1}, {30, 10, 0.5, 0.7}, {100, 5, 0.05, 1}, {100, 10, 0.2, 0},
	} {
		random := rand.New(rand.NewPCG(42, 1))
		covered, naive := 0, 0
		for range runs {
			var c Clusters
			for range row.groups {
				broken := random.Float64() < row.share
				group := Count{N: row.each}
				for range row.each {
					fails := broken
					if random.Float64() >= row.alike {
						fails = random.Float64() < row.share
					}
					if fails {
						group.K++
					}
				}
				c = append(c, group)
			}
			if i := c.Interval(Confidence95); i.Low <= row.share && row.share <= i.High {
				covered++
			}
			if i := c.Count().Interval(Confidence95); i.Low <= row.share && row.share <= i.High {
				naive++
			}
		}
		t.Logf("%+v: %.1f %% by connections, %.1f %% by requests", row, 100*float64(covered)/runs, 100*float64(naive)/runs)
		assert.Greater(t, float64(covered)/runs, 0.94, "%+v", row)
		if row.alike > 0.5 {
			assert.Less(t, float64(naive)/runs, 0.85, "else this test proves nothing")
		}
	}
}
