package expect_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

// A waived invariant is not held against the gateway, and its verdict says so, and what was measured; the others are.
func TestWaive(t *testing.T) {
	t.Parallel()
	e := run(100)
	e.Exchanges[7].Outcome = record.Hung
	waived := expect.All{expect.Waive("hangs", "the client never reads")}
	verdicts := expect.Judge(waived, e, nil)
	require.Len(t, verdicts, 1)
	v := verdicts[0]
	assert.Equal(t, expect.Pass, v.Ruling, v.Reason)
	assert.Equal(t, "hangs in the whole run: waived: the client never reads", v.Promise)
	assert.Contains(t, v.Measured, "1.0 % (1 of 100;")
	assert.Equal(t, "r-8", v.Witness.ID)

	e.Exchanges[8].Outcome = record.Crossed
	verdicts = expect.Judge(waived, e, nil)
	require.Len(t, verdicts, 2)
	assert.Equal(t, "crossed answers", verdicts[1].Metric)
	assert.Equal(t, expect.Fail, verdicts[1].Ruling)

	known := []expect.Deviation{{Metric: "hangs", Outcomes: []string{"hung"}, Happens: "it hangs", Why: "because"}}
	assert.Equal(t, expect.Pass, expect.Judge(waived, run(100), known)[0].Ruling, "what nobody promised is not known to be broken, nor gone")

	e.Planned++
	assert.Equal(t, expect.Error, expect.Judge(waived, e, nil)[0].Ruling, "a run in doubt is in doubt")
}

func TestWaiveIsByNameAndWithAReason(t *testing.T) {
	t.Parallel()
	require.NoError(t, expect.Waive("corrupt answers", "the gateway compresses").Validate())
	require.EqualError(t, expect.Waive("hang", "x").Validate(), `waive "hang": no such invariant, want one of: crossed answers, `+
		`corrupt answers, truncated answers that end cleanly, answers that no backend gave, hangs, corrupt arrivals`)
	require.ErrorContains(t, expect.Waive("hangs", " ").Validate(), `waive "hangs": without a reason`)
	assert.Equal(t, expect.Error, expect.Waive("hang", "x").Judge(run(100)).Ruling)
}
