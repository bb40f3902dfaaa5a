package reports_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// simulated is a run of rounds of so many scenarios: in each round a share of a thousand requests fails with a status, the
// rounds themselves vary, and answers take about as long as they do.
func simulated(random *rand.Rand, gateway string, rounds, scenarios int, fails, median float64, status string) reports.Run {
	r := reports.Run{}
	for s := range scenarios {
		for round := range rounds {
			const n = 1000
			k, share := 0, fails*(0.8+0.4*random.Float64())
			for range n {
				if random.Float64() < share {
					k++
				}
			}
			took := func(of float64) time.Duration {
				return time.Duration(of * (1 + 0.1*random.NormFloat64()) * float64(time.Millisecond))
			}
			summary := reports.Summary{
				Requests: n, Failures: k, Outcomes: map[string]int{"200": n - k}, Distribution: map[int]int{1: n},
				Costs: expect.Costs{Attempts: 1, Connections: 0.1 + 0.01*random.Float64(), Median: took(median), Tail: took(4 * median)},
			}
			if k > 0 {
				summary.Outcomes[status] = k
			}
			r.Results = append(r.Results, reports.Result{
				Scenario: fmt.Sprintf("idleclose/TestPost/%d", s), Gateway: gateway, Detected: gateway + ".9", Ruling: expect.Pass,
				Case: &record.Case{Began: time.Unix(int64(round), 0)}, Summary: summary,
			})
		}
	}
	return r
}

func compared(t *testing.T, before, after reports.Run) reports.Comparison {
	t.Helper()
	c, err := reports.Compare(before, after)
	require.NoError(t, err)
	return c
}

// A gateway compared with itself: of 200 comparisons, each of some fifty metrics, as many give a false alarm as 5 % allow,
// which is at most 19 with 99 % probability.
func TestCompareWithItself(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	alarms := 0
	for range 200 {
		c := compared(t, simulated(random, "nginx@1.26", 5, 10, 0.01, 3, "502"), simulated(random, "nginx@1.26", 5, 10, 0.01, 3, "502"))
		if c.Count(reports.NoChange) < len(c.Metrics) || len(c.Behaviour) > 0 {
			alarms++
		}
	}
	assert.LessOrEqual(t, alarms, 19)
	t.Logf("%d of 200", alarms)
}

// A planted change of two points in the share that fails is found, is worse, and is no new behaviour.
func TestCompareFindsTwoPoints(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	found := 0
	const tried = 50
	for range tried {
		c := compared(t, simulated(random, "nginx@1.26", 5, 10, 0.01, 3, "502"), simulated(random, "nginx@1.30", 5, 10, 0.03, 3, "502"))
		assert.Empty(t, c.Behaviour)
		if c.Count(reports.Worse) >= 8 {
			found++
		}
	}
	assert.GreaterOrEqual(t, found, tried*9/10, "in most of the ten scenarios, though each is one of some fifty metrics")
}

// What is no rate comes first, in words.
func TestCompareTellsBehaviour(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	before := simulated(random, "nginx@1.26", 3, 2, 0.5, 3, "502")
	after := simulated(random, "nginx@1.30", 3, 2, 0.5, 3, "503")
	for i := range after.Results {
		after.Results[i].Ruling = expect.Fail
		after.Results[i].Summary.Distribution = map[int]int{1: 900, 2: 100}
		after.Results[i].Summary.Costs.Duplicates = 50
	}
	after.Results = append(after.Results, reports.Result{Scenario: "idleclose/TestNew", Gateway: "nginx@1.30", Summary: reports.Summary{Requests: 1}})
	c := compared(t, before, after)
	var b strings.Builder
	require.NoError(t, c.Text(&b, false))
	for _, want := range []string{
		"old: nginx@1.26 (nginx@1.26.9), 3 rounds\nnew: nginx@1.30 (nginx@1.30.9), 1 to 3 rounds",
		"idleclose/TestPost/0: the verdict was pass and is fail, in all rounds, 3 and 3",
		"idleclose/TestPost/0: clients see 502: gone; before in ", "idleclose/TestPost/1: clients see 503: new, in ",
		"requests are sent again: new, in 10 % (300 of 3000); before in 0 % (0 of 3000)",
		"requests that are not idempotent are executed more than once: new, in 5 % (150 of 3000)",
		"idleclose/TestNew: only the new one ran: it has no result of the other",
	} {
		assert.Contains(t, b.String(), want)
	}
	assert.Less(t, strings.Index(b.String(), "never did"), strings.Index(b.String(), "p of all"), "what is no rate comes first")
}

// With one round each nothing is known of how rounds vary: times are not compared, shares are, and it is said.
func TestCompareOneRoundEach(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	c := compared(t, simulated(random, "a@1", 1, 1, 0.01, 3, "502"), simulated(random, "a@2", 1, 1, 0.5, 30, "502"))
	assert.Equal(t, 1, c.Count(reports.Worse), "the failures, and not the times")
	var b strings.Builder
	require.NoError(t, c.Text(&b, true))
	assert.Contains(t, b.String(), "one round says nothing of how rounds vary")
	assert.Contains(t, b.String(), "none at all in 1 and 1 rounds")
}

// Times that differ in enough rounds are found; slower is worse.
func TestCompareTimes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 10))
	c := compared(t, simulated(random, "a@1", 8, 1, 0.01, 3, "502"), simulated(random, "a@2", 8, 1, 0.01, 6, "502"))
	assert.Equal(t, 2, c.Count(reports.Worse))
	assert.Contains(t, c.Metrics[0].Difference, "+3")
}

func TestCompareNeedsPairs(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(11, 12))
	a, b := simulated(random, "a@1", 1, 1, 0.01, 3, "502"), simulated(random, "b@1", 1, 1, 0.01, 3, "502")
	both := reports.Run{Results: append(append([]reports.Result{}, a.Results...), b.Results...)}
	_, err := reports.Compare(both, a)
	require.EqualError(t, err, "the old run is of a@1, b@1, the new one of a@1: name one gateway of each, or compare the same ones")
	_, err = reports.Compare(a, reports.Run{})
	require.EqualError(t, err, "one of the runs has no results")
	c := compared(t, both, both)
	assert.Len(t, c.Metrics, c.Count(reports.NoChange))
	assert.Contains(t, c.Metrics[0].Scenario, " on a@1")
}
