package expect_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

const ms = time.Millisecond

// changed is a run of a hundred requests of which the first one is different.
func changed(change func(*record.Exchange)) expect.Evidence {
	e := run(100)
	change(&e.Exchanges[0])
	return e
}

// again adds an attempt before the one that is there.
func again(a record.Arrival) func(*record.Exchange) {
	return func(x *record.Exchange) { x.Arrivals = append([]record.Arrival{a}, x.Arrivals...) }
}

// Each metric counts the request that it names, and no other.
func TestMetricsCountWhatTheyName(t *testing.T) {
	t.Parallel()
	fine := func(*record.Exchange) {}
	reset := func(x *record.Exchange) { x.Outcome = record.Reset }
	status := func(code int) func(*record.Exchange) {
		return func(x *record.Exchange) { x.Status, x.Backend = code, "" }
	}
	late := func(x *record.Exchange) {
		again(record.Arrival{Backend: "orders-1", At: 0})(x)
		x.Arrivals[1].At = 50 * ms
	}
	for name, c := range map[string]struct {
		metric func(record.Phase) expect.Share
		change func(*record.Exchange)
		counts bool
	}{
		"5xx":                    {expect.ServerErrors, status(503), true},
		"5xx, none":              {expect.ServerErrors, reset, false},
		"outcome":                {func(p record.Phase) expect.Share { return expect.Outcome(record.Reset, p) }, reset, true},
		"outcome, another":       {func(p record.Phase) expect.Share { return expect.Outcome(record.Closed, p) }, reset, false},
		"unfit: a reset":         {func(p record.Phase) expect.Share { return expect.FailuresBut(p, 502, 503) }, reset, true},
		"unfit: 504":             {func(p record.Phase) expect.Share { return expect.FailuresBut(p, 502, 503) }, status(504), true},
		"fit: 503":               {func(p record.Phase) expect.Share { return expect.FailuresBut(p, 502, 503) }, status(503), false},
		"fit: no failure":        {func(p record.Phase) expect.Share { return expect.FailuresBut(p, 502, 503) }, fine, false},
		"retried to the same":    {expect.RetriesToSame, again(record.Arrival{Backend: "orders-1"}), true},
		"not to the same":        {expect.RetriesToSame, again(record.Arrival{Backend: "orders-2"}), false},
		"retried to another":     {expect.RetriesToOther, again(record.Arrival{Backend: "orders-2"}), true},
		"not to another":         {expect.RetriesToOther, again(record.Arrival{Backend: "orders-1"}), false},
		"soon":                   {func(p record.Phase) expect.Share { return expect.RetriesWithin(51*ms, p) }, late, true},
		"not so soon":            {func(p record.Phase) expect.Share { return expect.RetriesWithin(50*ms, p) }, late, false},
		"altered":                {expect.AlteredBodies, func(x *record.Exchange) { x.Arrivals[0].Intact = false }, true},
		"altered, not executed":  {expect.AlteredBodies, again(record.Arrival{Action: record.Abandoned}), false},
		"ghost work":             {expect.GhostWork, again(record.Arrival{Action: record.Abandoned, Executed: true}), true},
		"given up, nothing done": {expect.GhostWork, again(record.Arrival{Action: record.Abandoned}), false},
		"lost answer":            {expect.LostAnswers, status(504), true},
		"lost with the client":   {expect.LostAnswers, func(x *record.Exchange) { x.Outcome, x.Status = record.Aborted, 0 }, true},
		"lost on the way":        {expect.LostAnswers, func(x *record.Exchange) { x.Outcome = record.Truncated }, true},
		"not lost: broken off":   {expect.LostAnswers, func(x *record.Exchange) { x.Outcome = record.Aborted }, false},
		"not lost: passed on":    {expect.LostAnswers, fine, false},
		"not lost: an error":     {expect.LostAnswers, func(x *record.Exchange) { x.Status, x.Arrivals[0].Status = 503, 503 }, false},
		"not lost: given up": {expect.LostAnswers, func(x *record.Exchange) {
			status(504)(x)
			x.Arrivals[0].Action, x.Arrivals[0].Status = record.Abandoned, 0
		}, false},
		"unserved: failed":        {expect.Unserved, reset, true},
		"unserved: turned away":   {expect.Unserved, status(429), true},
		"served":                  {expect.Unserved, status(204), false},
		"not asked any more":      {expect.Unserved, func(x *record.Exchange) { x.Outcome, x.Status = record.Aborted, 0 }, false},
		"miscounted: seen behind": {expect.Miscounted, status(429), true},
		"miscounted: not seen":    {expect.Miscounted, func(x *record.Exchange) { x.Arrivals = nil }, true},
		"counted: answered":       {expect.Miscounted, func(x *record.Exchange) { x.Status, x.Arrivals[0].Status = 503, 503 }, false},
		"counted: turned away": {expect.Miscounted, func(x *record.Exchange) {
			status(503)(x)
			x.Arrivals = nil
		}, false},
		"slower": {func(p record.Phase) expect.Share { return expect.Slower(50*ms, p) }, func(x *record.Exchange) {
			x.Due, x.Done, x.Outcome = 10*ms, 61*ms, record.TimedOut
		}, true},
		"not slower": {func(p record.Phase) expect.Share { return expect.Slower(50*ms, p) }, func(x *record.Exchange) {
			x.Due, x.Done = 10*ms, 60*ms
		}, false},
		"untouched": {func(p record.Phase) expect.Share { return expect.Failures(p).Where(expect.Untouched()) }, reset, true},
		"untouched, not this one": {func(p record.Phase) expect.Share { return expect.Failures(p).Where(expect.Untouched()) }, func(x *record.Exchange) {
			reset(x)
			x.Arrivals[0].Injection = cut
		}, false},
		"aborted is no failure":     {expect.Failures, func(x *record.Exchange) { x.Outcome = record.Aborted }, false},
		"touched by the client too": {expect.RequestsTouched, func(x *record.Exchange) { x.Injection = cut }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := changed(c.change)
			e.Exchanges = e.Exchanges[:99] // the last one is another's
			v := c.metric(whole).None().Judge(e)
			want := expect.Pass
			if c.counts {
				want = expect.Fail
				require.NotNil(t, v.Witness)
				assert.Equal(t, "r-1", v.Witness.ID)
			}
			assert.Equal(t, want, v.Ruling, v.Reason)
		})
	}
}

func TestConnectionsPerRequest(t *testing.T) {
	t.Parallel()
	e := run(100)
	for i := range e.Exchanges {
		e.Exchanges[i].Arrivals[0].Position = 1 + i%4
	}
	v := expect.ConnectionsPerRequest(whole).AtMost(0.4).Judge(e)
	assert.Equal(t, expect.Pass, v.Ruling, v.Reason)
	assert.InDelta(t, 0.25, v.Value, 1e-9)
}

// took lets the requests take 1, 2, ... n ms from when they were due, one of them failing at once.
func took(n int) expect.Evidence {
	e := run(n + 1)
	for i := range n {
		e.Exchanges[i].Due, e.Exchanges[i].Sent, e.Exchanges[i].Done = 0, time.Duration(i)*ms, time.Duration(i+1)*ms
	}
	e.Exchanges[n].Outcome = record.Reset
	return e
}

func TestLatency(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		quantile float64
		bound    time.Duration
		n        int
		want     expect.Ruling
		reason   string
	}{
		"kept":          {0.9, 950 * ms, 1000, expect.Pass, ""},
		"broken":        {0.9, 850 * ms, 1000, expect.Fail, "want at most 850ms, got 901ms; longer than 850ms took 15 % (150 of 1000; "},
		"too close":     {0.9, 899 * ms, 1000, expect.Inconclusive, "901ms; the bound of 10 % lies within the interval of those that took longer, 10.1 %"},
		"too few":       {0.99, time.Second, 100, expect.Inconclusive, "about 299 requests would decide"},
		"nobody waits":  {0.5, time.Nanosecond, 1000, expect.Fail, "want at most 1ns"},
		"none answered": {0.5, time.Second, 0, expect.Inconclusive, "no request falls under this promise"},
		"due, not sent": {0.5, 400 * ms, 1000, expect.Fail, "got 501ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := expect.LatencyOf(c.quantile, whole).AtMost(c.bound)
			require.NoError(t, x.Validate())
			v := x.Judge(took(c.n))
			assert.Equal(t, c.want, v.Ruling, v.Reason)
			assert.Contains(t, v.Reason, c.reason)
			assert.Equal(t, c.n, v.N)
		})
	}
	require.Error(t, expect.LatencyOf(99, whole).AtMost(time.Second).Validate())
	require.Error(t, expect.LatencyOf(0.9, whole).AtMost(0).Validate())
	v := expect.LatencyOf(0.99, whole).AtMost(time.Second).Judge(took(10))
	assert.Equal(t, "latency p99 of answered in the whole run: at most 1s", v.Promise)
}

// A fault is lifted at 1 s; requests are sent every 10 ms, and those up to some time after it fail.
func recovering(failsFor time.Duration) expect.Evidence {
	e := run(200)
	e.Injections[0].Applied = record.Span{Begin: 400 * ms, End: 500 * ms}
	e.Injections[0].Lifted = record.Span{Begin: 900 * ms, End: time.Second}
	for i := range e.Exchanges {
		x := &e.Exchanges[i]
		x.Sent = time.Duration(i) * 10 * ms
		x.Done = x.Sent
		if x.Sent >= 500*ms && x.Sent < time.Second+failsFor {
			x.Status, x.Backend = 502, ""
		}
	}
	return e
}

func TestSettling(t *testing.T) {
	t.Parallel()
	after := record.Phase{Window: cut, Part: record.After}
	recovery := expect.Recovery(after)
	v := recovery.Within(300 * ms).Judge(recovering(200 * ms))
	assert.Equal(t, expect.Pass, v.Ruling, v.Reason)
	assert.InDelta(t, 0.190, v.Value, 1e-9, "the last failure was sent 190 ms after")
	v = recovery.Within(100 * ms).Judge(recovering(200 * ms))
	assert.Equal(t, expect.Fail, v.Ruling)
	assert.Equal(t, "want it over within 100ms, got 190ms (89 requests were sent after 100ms)", v.Reason)
	assert.Equal(t, map[string]int{"502": 9}, v.Outcomes)
	assert.Equal(t, 9, v.Untouched)
	v = recovery.Within(800 * ms).Judge(recovering(0))
	assert.Equal(t, expect.Inconclusive, v.Ruling)
	assert.Equal(t, "19 requests were sent after 800ms, at least 29 are needed to judge", v.Reason)

	e := recovering(0)
	for i := range e.Exchanges[:60] { // met until 600 ms
		e.Exchanges[i].Arrivals[0].Injection = cut
	}
	v = expect.Ejection(during).Within(100 * ms).Judge(e)
	assert.Equal(t, expect.Pass, v.Ruling, v.Reason)
	assert.InDelta(t, 0.09, v.Value, 1e-9)
	e.Exchanges[95].Arrivals[0].Injection = "another"
	assert.InDelta(t, 0.09, expect.Ejection(during).Within(100*ms).Judge(e).Value, 1e-9, "another fault's are not counted")
	v = expect.Ejection(during).Within(50 * ms).Judge(e)
	assert.Equal(t, expect.Fail, v.Ruling, v.Reason)

	old := e.Exchanges[59].Arrivals[0].Backend
	for i := range e.Exchanges[60:] {
		e.Exchanges[60+i].Arrivals[0].Life = 2
	}
	v = expect.Pinning(old, during).Within(100 * ms).Judge(e)
	assert.Equal(t, expect.Pass, v.Ruling, v.Reason)
	assert.InDelta(t, 0.09, v.Value, 1e-9)
	v = expect.Pinning(old, during).Within(50 * ms).Judge(e)
	assert.Equal(t, expect.Fail, v.Ruling, v.Reason)
	v = expect.Pinning("another", during).Within(50 * ms).Judge(e)
	assert.Equal(t, expect.Pass, v.Ruling, v.Reason)

	require.Error(t, expect.Recovery(whole).Within(time.Second).Validate(), "since when?")
	require.Error(t, recovery.Within(0).Validate())
	require.NoError(t, recovery.Within(1).Validate())
}
