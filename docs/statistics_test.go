package docs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/stats"
)

const level = stats.Confidence95

// three writes a share in percent, at three digits.
func three(share float64) string { return strconv.FormatFloat(100*share, 'g', 3, 64) }

func percent(i stats.Interval) string { return three(i.Low) + "-" + three(i.High) + " %" }

// Every number of the page is computed here.
func TestNumbersOfStatistics(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("statistics.md")
	require.NoError(t, err)
	page := strings.Join(strings.Fields(string(text)), " ")
	has := func(format string, args ...any) {
		t.Helper()
		assert.Contains(t, page, fmt.Sprintf(format, args...))
	}
	for _, c := range []stats.Count{{K: 0, N: 100}, {K: 0, N: 1000}, {K: 1, N: 100}, {K: 10, N: 100}, {K: 67, N: 200}, {K: 224, N: 2000}} {
		has("| %d of %d | %s %% | %s |", c.K, c.N, three(c.Share()), percent(c.Interval(level)))
	}
	for _, bound := range []float64{0.05, 0.01, 0.001, 0.0001, 0.00001} {
		has("| %v %% | %d |", 100*bound, stats.Count{}.Needed(bound, level).Trials)
	}
	has("wants %d requests at least", stats.Count{}.Needed(0.1, level).Trials)
	has("takes %d requests", stats.Count{K: 1, N: 100}.Needed(0.05, level).Trials)
	has("67 of 200 against 35 %% about %d", stats.Count{K: 67, N: 200}.Needed(0.35, level).Trials)

	together := make(stats.Clusters, 10)
	for i := range together {
		together[i].N = 10
	}
	together[0].K = 10
	has("| the ten failures anywhere | %s |", percent(together.Count().Interval(level)))
	has("| all of them on one connection | %s |", percent(together.Interval(level)))
	for _, most := range []int{1, 3, 5, 10} {
		each := stats.Looks{Most: most, Level: level}.Each()
		has("| %d | %s %% | %d |", most, three(float64(each)), stats.Count{}.Needed(0.01, each).Trials)
	}

	of := func(k int) stats.Count { return stats.Count{K: k, N: 1000} }
	has("0 and 5 failures do not differ (p %.3f), 0 and 6 do (p %.3f)", stats.Fisher(of(0), of(5)), stats.Fisher(of(0), of(6)))
	has("After 0 of 1000 it is %s %%, after 0 of 10000 %s %%", three(of(0).Critical(1000, level).More),
		three(stats.Count{N: 10000}.Critical(10000, level).More))
	has("among themselves: p %.4f", stats.CompareRounds(rounds(9, 12, 8, 10, 11), rounds(25, 41, 22, 35, 27), level).P)
	has("has 49 of the 50: p %.2f", stats.CompareRounds(rounds(0, 0, 1, 0, 49), rounds(25, 41, 22, 35, 27), level).P)
	least := func(n int) float64 {
		var low, high []float64
		for i := range n {
			low, high = append(low, float64(i)), append(high, float64(100+i))
		}
		return stats.MannWhitney(low, high)
	}
	has("(p %.3f; three come to %.1f at best), five come to %.3f", least(4), least(3), least(5))
	has("become %.2f, %.2f and %.2f", anys(stats.Holm([]float64{0.01, 0.02, 0.04}))...)
	at, p := stats.ChangePoint(rounds(1, 2, 0, 1, 2, 12, 9, 14, 11))
	assert.Equal(t, 5, at, "the sixth night")
	has("sixth, p %.4f", p)
}

// rounds have a thousand requests each.
func rounds(failures ...int) []stats.Count {
	var all []stats.Count
	for _, k := range failures {
		all = append(all, stats.Count{K: k, N: 1000})
	}
	return all
}

func anys(values []float64) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return all
}
