package selftest

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/reports"
)

// fallible is a scenario of a thousand requests, in which failures are only counted.
func fallible() harness.Scenario {
	return harness.Scenario{
		Backends: topology.Replicas("orders", 2),
		Load:     load.Closed{Connections: 8, Requests: 1000, For: 20 * time.Second, Request: load.GET("/orders")},
		Expect:   expect.All{expect.Failures(record.Phase{}).AtMost(50 * expect.Percent)},
	}
}

// flaky answers a share of all requests with 502: which ones depends on how they come, how many on the seed alone.
func flaky(share float64, seed uint64) reverseproxy.Wrap {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	return transport(func(next http.RoundTripper) roundTrip {
		return func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r)
			mu.Lock()
			defer mu.Unlock()
			if err == nil && random.Float64() < share {
				answer.StatusCode = http.StatusBadGateway
			}
			return answer, err
		}
	})
}

// inTurns runs the scenario on both in turns, each round with a seed of its own, and compares them.
func inTurns(t *testing.T, seed uint64, rounds int, before, after float64) reports.Comparison {
	t.Helper()
	var sides [2]reports.Run
	for round := range rounds {
		for n := range 2 {
			side := (n + round) % 2
			share := []float64{before, after}[side]
			seed++
			sides[side].Results = append(sides[side].Results, execute(t, fallible(), flaky(share, seed), uint64(round)))
		}
	}
	c, err := reports.Compare(sides[0], sides[1])
	require.NoError(t, err)
	return c
}

// A gateway compared with itself, twenty times, each time by real load in three rounds: at 5 % there are more than three
// false alarms in one of sixty such tests.
func TestCompareWithItself(t *testing.T) {
	alarms := 0
	for pair := range 20 {
		c := inTurns(t, uint64(100*pair), 3, 0.01, 0.01)
		if c.Count(reports.NoChange) < len(c.Metrics) || len(c.Behaviour) > 0 {
			alarms++
			t.Logf("%+v", c.Metrics[0])
		}
	}
	t.Logf("%d of 20", alarms)
	assert.LessOrEqual(t, alarms, 3)
}

// A planted change of two points is found by real load, as worse one way and better the other.
func TestComparePlantedChange(t *testing.T) {
	worse := inTurns(t, 5000, 5, 0.01, 0.03)
	assert.Equal(t, 1, worse.Count(reports.Worse), "%+v", worse.Metrics)
	assert.Equal(t, "failures", worse.Metrics[0].Metric)
	assert.Empty(t, worse.Behaviour, "both told 502 before")
	assert.Equal(t, 1, inTurns(t, 6000, 5, 0.03, 0.01).Count(reports.Better))
}
