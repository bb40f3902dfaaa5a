package expect_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

// The harness that lost a journal must not call that a success that no backend gave: an error of its own is never the
// gateway's failure.
func TestContradictionIsNotTheGatewaysDoing(t *testing.T) {
	t.Parallel()
	e := run(100)
	e.Exchanges[3].Arrivals = nil
	for _, v := range expect.Judge(promises, e, nil) {
		assert.Equal(t, expect.Error, v.Ruling, v.Promise)
		assert.Contains(t, v.Reason, "whose journal does not have it")
	}
}

// A late client does not excuse an answer that is another's.
func TestBrokenInvariantOutlivesADoubt(t *testing.T) {
	t.Parallel()
	e := run(100)
	e.Exchanges[7].Outcome = record.Crossed
	for i := range e.Exchanges {
		e.Exchanges[i].Begun = expect.Punctual + time.Millisecond
	}
	verdicts := expect.Judge(promises, e, nil)
	require.Len(t, verdicts, 2)
	assert.Equal(t, expect.Inconclusive, verdicts[0].Ruling)
	assert.Equal(t, expect.Fail, verdicts[1].Ruling)
	assert.Equal(t, "crossed answers", verdicts[1].Metric)
}

// The receipts and the journals must agree both ways: what a journal says a fault touched, some receipt says too.
func TestJournalWithoutAReceipt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(*expect.Evidence)
		want  string
	}{
		"of another replica": {
			func(e *expect.Evidence) {
				e.Exchanges[0].Arrivals[0].Backend, e.Exchanges[0].Arrivals[0].Injection = "orders-2", cut
			},
			"the journals have 1 requests touched by cut on orders on orders-2, and no receipt does",
		},
		"of another fault": {
			func(e *expect.Evidence) { e.Exchanges[0].Arrivals[0].Injection = "other" },
			"the journals have 1 requests touched by other on orders-1, and no receipt does",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := run(100)
			test.spoil(&e)
			v := expect.Judge(promises, e, nil)[0]
			assert.Equal(t, expect.Error, v.Ruling)
			assert.Equal(t, test.want, v.Reason)
		})
	}
}

// A gateway can break one promise in two known ways, each written down by itself.
func TestSecondEntryOfAMetric(t *testing.T) {
	t.Parallel()
	known := []expect.Deviation{
		{Metric: "failures", Outcomes: []string{"reset"}, Happens: "it resets", Why: "a"},
		{Metric: "failures", Outcomes: []string{"502"}, Untouched: true, Happens: "POSTs fail", Why: "b"},
	}
	v := expect.Judge(promises, broken(run(100), 3, 502), known)[0]
	assert.Equal(t, expect.Known, v.Ruling)
	assert.Contains(t, v.Reason, "POSTs fail")
	v = expect.Judge(promises, broken(run(100), 3, 504), known)[0]
	assert.Equal(t, expect.Fail, v.Ruling)
}

// A promise of no attempts makes no sense, and one that nothing can break would be green whatever happened.
func TestMeanHasNoNone(t *testing.T) {
	t.Parallel()
	_, has := any(expect.AttemptsPerRequest(whole)).(interface{ None() expect.Expectation })
	assert.False(t, has)
}

// A word that this program does not know is not taken for a verdict.
func TestUnknownRulingIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`"passed"`, `"PASS"`, `"banana"`} {
		var v expect.Verdict
		require.ErrorContains(t, json.Unmarshal([]byte(`{"ruling": `+text+`}`), &v), "unknown ruling "+text)
		assert.Equal(t, expect.Inconclusive, v.Ruling)
	}
	for _, text := range []string{`{}`, `{"ruling": ""}`, `{"ruling": "inconclusive"}`} {
		v := expect.Verdict{}
		require.NoError(t, json.Unmarshal([]byte(text), &v))
		assert.Equal(t, expect.Inconclusive, v.Ruling, text)
	}
}

// Health checks are no requests: a receipt of nothing else proves that the fault bit, and no journal contradicts it.
func TestReceiptOfHealthChecks(t *testing.T) {
	t.Parallel()
	e := run(100)
	e.Exchanges[99] = answered(100)
	e.Injections[0].Receipts[0] = record.Receipt{Replica: "orders-1", Checks: 9}
	assert.Equal(t, expect.Pass, expect.Judge(promises, e, nil)[0].Ruling)
}
