package expect_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

var promises = expect.All{expect.Failures(whole).None()}

// Where the run itself is in doubt nothing is green, and nothing is red either.
func TestDoubts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		doubt  func(*expect.Evidence)
		want   expect.Ruling
		reason string
	}{
		"stray arrival": {func(e *expect.Evidence) {
			e.Strays = []record.Arrival{{ID: "x-9", Backend: "orders-2"}}
		}, expect.Error, `1 arrivals belong to no request of this run, the first is "x-9" on orders-2`},
		"answer without an arrival": {func(e *expect.Evidence) {
			e.Exchanges[3].Arrivals = nil
		}, expect.Error, "request r-4 was answered by orders-1, whose journal does not have it"},
		"request without a record": {func(e *expect.Evidence) {
			e.Planned++
		}, expect.Error, "101 requests were planned, and there are records of 100"},
		"gap in a journal": {func(e *expect.Evidence) {
			e.Exchanges[99].Arrivals[1].Sequence = 102
		}, expect.Error, "the journal of orders-1 counts 102 arrivals, and there are records of 101"},
		"receipt says more than the journal": {func(e *expect.Evidence) {
			e.Injections[0].Receipts[0].Requests = 2
		}, expect.Error, "the receipt of orders-1 says 2 requests, its journal 1"},
		"journal says more than the receipt": {func(e *expect.Evidence) {
			e.Exchanges[0].Arrivals[0].Injection = cut
		}, expect.Error, "the receipt of orders-1 says 1 requests, its journal 2"},
		"client's receipt says more than the records": {func(e *expect.Evidence) {
			*e = brokenOff(*e, 3)
			e.Injections[1].Receipts[0].Requests = 4
		}, expect.Error, "fault abort on client: the receipt of client says 4 requests, its journal 3"},
		"records say more than the client's receipt": {func(e *expect.Evidence) {
			*e = brokenOff(*e, 3)
			e.Exchanges[50].Injection = abort
		}, expect.Error, "fault abort on client: the receipt of client says 3 requests, its journal 4"},
		"records of a fault that the client knows nothing of": {func(e *expect.Evidence) {
			e.Exchanges[50].Injection = abort
		}, expect.Error, "the journals have 1 requests touched by abort on client on client, and no receipt does"},
		"client's fault touched nothing": {func(e *expect.Evidence) {
			*e = brokenOff(*e, 0)
		}, expect.Inconclusive, "fault abort on client touched nothing: its receipt is empty"},
		"fault not lifted": {func(e *expect.Evidence) {
			e.Injections[0].Error = "lift: no answer"
		}, expect.Error, "fault cut on orders: lift: no answer"},
		"fault touched nothing": {func(e *expect.Evidence) {
			*e = run(100)
			e.Exchanges[99] = answered(100)
			e.Injections[0].Receipts[0] = record.Receipt{Replica: "orders-1", Waiting: 7}
		}, expect.Inconclusive, "touched nothing: its receipt is empty"},
		"late client": {func(e *expect.Evidence) {
			for i := range 4 {
				e.Exchanges[i].Begun = expect.Punctual + time.Millisecond
			}
		}, expect.Inconclusive, "the client fell behind: 4 of 100 requests were begun more than 100ms late, the worst 101ms"},
		"dropped request": {func(e *expect.Evidence) {
			e.Exchanges[5].Outcome, e.Exchanges[5].Status, e.Exchanges[5].Backend = record.Dropped, 0, ""
		}, expect.Inconclusive, "the client fell so far behind that 1 of 100 requests were not sent at all"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, e := range []expect.Evidence{run(100), broken(run(100), 3, 502)} {
				c.doubt(&e)
				v := expect.Judge(promises, e, nil)[0]
				assert.Equal(t, c.want, v.Ruling)
				assert.Contains(t, v.Reason, c.reason)
			}
		})
	}
}

// A fix that leaves the fault no chance can be judged: the fault stood ready on every connection the gateway gave up.
func TestPreventedFaultIsConclusive(t *testing.T) {
	t.Parallel()
	e := run(100)
	e.Exchanges[99] = answered(100)
	e.Injections[0].Receipts[0] = record.Receipt{Replica: "orders-1", Prevented: 99}
	verdicts := expect.Judge(promises, e, nil)
	require.Len(t, verdicts, 1)
	assert.Equal(t, expect.Pass, verdicts[0].Ruling, verdicts[0].Reason)
}

// What the client broke off on purpose is no failure of the gateway's, and leaves the rest of the run to be judged.
func TestWhatTheClientBrokeOffIsNoFailure(t *testing.T) {
	t.Parallel()
	e := brokenOff(run(100), 3)
	verdicts := expect.Judge(promises, e, nil)
	require.Len(t, verdicts, 1)
	assert.Equal(t, expect.Pass, verdicts[0].Ruling, verdicts[0].Reason)

	verdicts = expect.Judge(promises, broken(e, 5, 502), nil)
	assert.Equal(t, expect.Fail, verdicts[0].Ruling)
	assert.Equal(t, 5, verdicts[0].K, "a 5xx that came before the client broke off is one")
}

// One stall of the machine is not the client's falling behind, however few requests there are.
func TestOneStallIsForgiven(t *testing.T) {
	t.Parallel()
	e := run(100)
	for i := range 3 {
		e.Exchanges[i].Begun = time.Second
	}
	assert.Empty(t, expect.Doubt(e).Reason)
}

// What was sent to warm up is not judged, whatever became of it, and need not be punctual; it is cross-checked all the same.
func TestWarmupIsNotJudged(t *testing.T) {
	t.Parallel()
	e := broken(run(100), 10, 502)
	for i := range 10 {
		e.Exchanges[i].Warmup, e.Exchanges[i].Begun = true, time.Second
	}
	verdicts := expect.Judge(promises, e, nil)
	require.Len(t, verdicts, 1)
	assert.Equal(t, expect.Pass, verdicts[0].Ruling, verdicts[0].Reason)
	assert.Equal(t, 90, verdicts[0].N)

	e.Exchanges[3] = answered(4)
	e.Exchanges[3].Warmup, e.Exchanges[3].Arrivals = true, nil
	assert.Equal(t, expect.Error, expect.Doubt(e).Ruling)
}

// A control stream is judged apart from the main one: the reach of a fault is what fails there.
func TestStreamsAreJudgedApart(t *testing.T) {
	t.Parallel()
	e := broken(run(200), 100, 502)
	for i := 100; i < 200; i++ {
		e.Exchanges[i].Stream = "control"
	}
	verdicts := expect.Judge(expect.All{
		expect.Failures(whole).Where(expect.Stream("")).None(),
		expect.Failures(whole).Where(expect.Stream("control")).None(),
	}, e, nil)
	assert.Equal(t, expect.Fail, verdicts[0].Ruling)
	assert.Equal(t, 100, verdicts[0].K)
	assert.Equal(t, "failures of the stream without a name in the whole run: none", verdicts[0].Promise)
	assert.Equal(t, expect.Pass, verdicts[1].Ruling, verdicts[1].Reason)
	assert.Equal(t, 100, verdicts[1].N)
	assert.Equal(t, "failures of stream control in the whole run: none", verdicts[1].Promise)
}

// Invariants hold in every scenario, whatever it promises; only broken ones are told.
func TestInvariants(t *testing.T) {
	t.Parallel()
	for metric, breach := range map[string]func(*record.Exchange){
		"crossed answers": func(x *record.Exchange) { x.Outcome = record.Crossed },
		"corrupt answers": func(x *record.Exchange) { x.Outcome = record.Corrupt },
		"truncated answers that end cleanly": func(x *record.Exchange) {
			x.Outcome, x.Detail = record.Truncated, "ended cleanly after 64 of 128 bytes"
		},
		"answers that no backend gave": func(x *record.Exchange) { x.Status, x.Backend = 404, "" },
		"hangs":                        func(x *record.Exchange) { x.Outcome = record.Hung },
		"corrupt arrivals":             func(x *record.Exchange) { x.Arrivals[0].Intact = false },
	} {
		t.Run(metric, func(t *testing.T) {
			t.Parallel()
			e := run(100)
			breach(&e.Exchanges[7])
			var broken []string
			for _, v := range expect.Judge(nil, e, nil) {
				assert.Equal(t, expect.Fail, v.Ruling)
				assert.Equal(t, "r-8", v.Witness.ID)
				broken = append(broken, v.Metric)
			}
			assert.Equal(t, []string{metric}, broken)
		})
	}
	assert.Empty(t, expect.Judge(nil, run(100), nil))
	honest := run(100)
	honest.Exchanges[0].Outcome, honest.Exchanges[0].Detail = record.Truncated, "unexpected EOF"
	assert.Empty(t, expect.Judge(nil, honest, nil), "a cut that shows is a failure, no broken invariant")
}

func TestKnownDeviations(t *testing.T) {
	t.Parallel()
	known := []expect.Deviation{{Metric: "failures", Outcomes: []string{"502", "closed"}, Untouched: true, Happens: "POSTs fail", Why: "because"}}
	judge := func(e expect.Evidence, known []expect.Deviation) expect.Verdict {
		return expect.Judge(promises, e, known)[0]
	}

	v := judge(broken(run(100), 3, 502), known)
	assert.Equal(t, expect.Known, v.Ruling)
	assert.Contains(t, v.Reason, "POSTs fail (want none, got 3.0 % (3 of 100;")

	assert.Equal(t, expect.Fail, judge(broken(run(100), 3, 503), known).Ruling, "another status is another failure")
	assert.Equal(t, expect.Fail, judge(broken(broken(run(100), 3, 502), 1, 500), known).Ruling, "some are another failure")
	assert.Equal(t, expect.KnownGone, judge(run(100), known).Ruling)

	known[0].Sometimes = true
	assert.Equal(t, expect.Known, judge(run(100), known).Ruling, "a matter of chance is not gone")
	assert.Equal(t, expect.Fail, judge(broken(run(100), 3, 504), known).Ruling, "and another failure is another failure")
	assert.Equal(t, expect.Inconclusive, judge(run(3), known).Ruling, "too few to say that it is gone")
	known[0].Untouched = false
	assert.Equal(t, expect.Fail, judge(broken(run(100), 3, 502), known).Ruling, "these met no fault")
	assert.Equal(t, expect.Known, judge(broken(run(1), 1, 502), known).Ruling, "this one did")
	known[0].Metric = "duplicate executions"
	assert.Equal(t, expect.Fail, judge(broken(run(100), 3, 502), known).Ruling, "another promise")
}

// An invariant that is known to be broken sometimes comes to the same, whether or not it is this time.
func TestInvariantsThatAreBrokenSometimes(t *testing.T) {
	t.Parallel()
	hangs := expect.Deviation{Metric: "hangs", Outcomes: []string{"hung"}, Untouched: true, Happens: "some hang", Why: "because"}
	unlucky := run(100)
	unlucky.Exchanges[7].Outcome = record.Hung
	for _, sometimes := range []bool{false, true} {
		hangs.Sometimes = sometimes
		known := []expect.Deviation{hangs}
		verdicts := expect.Judge(nil, unlucky, known)
		require.Len(t, verdicts, 1)
		assert.Equal(t, expect.Known, verdicts[0].Ruling)
		verdicts = expect.Judge(nil, run(100), known)
		if !sometimes {
			assert.Empty(t, verdicts)
			continue
		}
		require.Len(t, verdicts, 1)
		assert.Equal(t, expect.Known, verdicts[0].Ruling)
		assert.Contains(t, verdicts[0].Reason, "sometimes some hang; it did not happen this time")
		assert.Empty(t, expect.Judge(nil, run(3), known), "too few to say that it did not")
	}
}
