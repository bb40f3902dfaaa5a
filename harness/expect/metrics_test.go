package expect_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

func TestShares(t *testing.T) {
	t.Parallel()
	post := func(e expect.Evidence) expect.Evidence {
		for i := range e.Exchanges {
			if i%2 == 0 {
				e.Exchanges[i].Method = "POST"
			}
		}
		return e
	}
	twice := run(100)
	twice.Exchanges[4].Arrivals = append(twice.Exchanges[4].Arrivals, twice.Exchanges[4].Arrivals...)
	for name, c := range map[string]struct {
		expectation expect.Expectation
		evidence    expect.Evidence
		want        expect.Ruling
		reason      string
		n, k        int
	}{
		"none of enough":        {expect.Failures(whole).None(), run(29), expect.Pass, "", 29, 0},
		"none of too few":       {expect.Failures(whole).None(), run(28), expect.Inconclusive, "none of 28, but at least 29", 28, 0},
		"one is enough to fail": {expect.Failures(whole).None(), broken(run(5), 1, 503), expect.Fail, "want none, got 20 % (1 of 5;", 5, 1},
		"a 404 is no failure":   {expect.Failures(whole).None(), broken(run(50), 9, 404), expect.Pass, "", 50, 0},
		"under the bound":       {expect.Failures(whole).AtMost(10 * expect.Percent), broken(run(1000), 50, 502), expect.Pass, "", 1000, 50},
		"over the bound":        {expect.Failures(whole).AtMost(1 * expect.Percent), broken(run(1000), 50, 502), expect.Fail, "want at most 1.0 %, got 5.0 % (50 of 1000; 95 % interval 3.8-6.5 %)", 1000, 50},
		"bound in the interval": {expect.Failures(whole).AtMost(5 * expect.Percent), broken(run(100), 4, 502), expect.Inconclusive, "requests would decide", 100, 4},
		"nobody can decide":     {expect.Failures(whole).AtMost(4 * expect.Percent), broken(run(100), 4, 502), expect.Inconclusive, "no number of requests can decide", 100, 4},
		"clean but too few":     {expect.Failures(whole).AtMost(1 * expect.Percent), run(100), expect.Inconclusive, "about 299 requests would decide", 100, 0},
		"nothing to judge":      {expect.Failures(whole).Where(expect.Method("PUT")).AtMost(0.5), run(100), expect.Inconclusive, "no request falls under this promise", 0, 0},
		"where":                 {expect.Failures(whole).Where(expect.Method("GET")).None(), post(broken(run(100), 1, 502)), expect.Pass, "", 50, 0},
		"touched":               {expect.Failures(whole).Where(expect.Touched()).AtMost(1), run(100), expect.Pass, "", 1, 0},
		"status":                {expect.Status(503, whole).None(), broken(run(100), 1, 502), expect.Pass, "", 100, 0},
		"status seen":           {expect.Status(502, whole).None(), broken(run(100), 1, 502), expect.Fail, "want none", 100, 1},
		"attempts":              {expect.AttemptsOver(1, whole).None(), run(100), expect.Fail, "1 of 100", 100, 1},
		"attempts allowed":      {expect.AttemptsOver(2, whole).None(), run(100), expect.Pass, "", 100, 0},
		"duplicates":            {expect.DuplicateExecutions(whole).None(), twice, expect.Fail, "1 of 100", 100, 1},
		"cut off, not executed": {expect.DuplicateExecutions(whole).None(), run(100), expect.Pass, "", 100, 0},
		"never applied":         {expect.Failures(record.Phase{Window: "other", Part: record.During}).None(), run(100), expect.Inconclusive, "never applied", 0, 0},
		"mean":                  {expect.AttemptsPerRequest(whole).AtMost(1.1), run(100), expect.Pass, "", 100, 0},
		"mean over":             {expect.AttemptsPerRequest(whole).AtMost(0.9), run(100), expect.Fail, "want at most 0.9, got 1.01", 100, 0},
		"mean in the interval":  {expect.AttemptsPerRequest(whole).AtMost(1.01), run(100), expect.Inconclusive, "lies within the interval", 100, 0},
		"mean of too few":       {expect.AttemptsPerRequest(whole).AtMost(9), run(10), expect.Inconclusive, "10 requests fall under this promise", 10, 0},
		"mean never applied":    {expect.AttemptsPerRequest(record.Phase{Window: "x", Part: record.After}).AtMost(9), run(99), expect.Inconclusive, "never applied", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := c.expectation.Judge(c.evidence)
			assert.Equal(t, c.want, v.Ruling, v.Reason)
			assert.Contains(t, v.Reason, c.reason)
			assert.Equal(t, c.n, v.N)
			assert.Equal(t, c.k, v.K)
			assert.Equal(t, c.want == expect.Pass, v.Reason == "", "every ruling but a pass says why")
		})
	}
}

// The phase decides what is looked at: an exchange that began before the fault was applied is not during it.
func TestPhaseLimitsTheRequests(t *testing.T) {
	t.Parallel()
	e := broken(run(100), 1, 502)
	e.Injections[0].Applied = record.Span{Begin: 4, End: 5}
	for i := range e.Exchanges {
		e.Exchanges[i].Sent = 6
	}
	e.Exchanges[0].Sent = 4
	v := expect.Failures(during).None().Judge(e)
	assert.Equal(t, expect.Pass, v.Ruling)
	assert.Equal(t, 99, v.N)
}

func TestWitnessIsTheFirst(t *testing.T) {
	t.Parallel()
	e := run(100)
	for _, i := range []int{70, 30} {
		e.Exchanges[i].Outcome = record.Reset
	}
	v := expect.Failures(whole).None().Judge(e)
	require.NotNil(t, v.Witness)
	assert.Equal(t, "r-31", v.Witness.ID)
	assert.Equal(t, map[string]int{"reset": 2}, v.Outcomes)
	assert.Equal(t, "failures in the whole run: none", v.Promise)
}

// A saved verdict reads back as it was, an inconclusive one by its name.
func TestVerdictInJSON(t *testing.T) {
	t.Parallel()
	for _, e := range []expect.Evidence{run(100), run(3), broken(run(100), 2, 500)} {
		v := expect.Failures(whole).None().Judge(e)
		text, err := json.Marshal(v)
		require.NoError(t, err)
		assert.Contains(t, string(text), `"ruling":"`+v.Ruling.String()+`"`)
		var back expect.Verdict
		require.NoError(t, json.Unmarshal(text, &back))
		if len(v.Outcomes) == 0 {
			v.Outcomes = nil // empty and absent are the same in the file
		}
		if v.Witness != nil {
			assert.Equal(t, v.Witness.ID, back.Witness.ID)
			v.Witness, back.Witness = nil, nil
		}
		assert.Equal(t, v, back)
	}
	var zero expect.Verdict
	assert.Equal(t, expect.Inconclusive, zero.Ruling)
	assert.Equal(t, "inconclusive", zero.Ruling.String())
}

// A gateway exactly on its bound is a toss-up that must rarely be called: at most one run in twenty each way.
func TestGatewayOnItsBound(t *testing.T) {
	t.Parallel()
	const runs, n, bound = 2000, 400, 5 * expect.Percent
	random := rand.New(rand.NewPCG(1, 2))
	failed, passed := 0, 0
	for range runs {
		k := 0
		for range n {
			if random.Float64() < bound {
				k++
			}
		}
		switch expect.Failures(whole).AtMost(bound).Judge(broken(run(n), k, 502)).Ruling {
		case expect.Fail:
			failed++
		case expect.Pass:
			passed++
		default:
		}
	}
	// 5 % of 2000 is 100; three standard errors above is 129.
	assert.LessOrEqual(t, failed, 129)
	assert.LessOrEqual(t, passed, 129)
}
