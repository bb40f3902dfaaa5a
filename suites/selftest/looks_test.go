package selftest

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
)

// halfFail lets one of two replicas answer 503: half of 40 requests fail, whose interval at 98.3 % ends at 0.68, and half of
// all 80 of two looks, whose interval ends at 0.63.
func halfFail(bound float64, looks int) harness.Scenario {
	sick := fault.Window{On: orders.Replica(1), Inject: fault.ErrorStatus{Status: 503}}
	return harness.Scenario{
		Backends: orders,
		Load:     load.Constant{Rate: 100, For: 400 * time.Millisecond, Request: load.GET("/orders")},
		Faults:   fault.Schedule{sick},
		Looks:    looks,
		Expect: expect.All{
			expect.Failures(sick.During()).AtMost(bound),
			expect.FailuresBut(sick.During(), 503).None(),
		},
	}
}

// What one look cannot decide a second one does, with another schedule in a fresh lab, and a replay comes to the same.
func TestSecondLookDecides(t *testing.T) {
	t.Parallel()
	c := caseOf(t, halfFail(0.65, 3), reverseproxy.Wrap{}, 42)
	result, err := c.Execute(t.Context())
	require.NoError(t, err)
	v := result.Verdicts[0]
	assert.Equal(t, expect.Pass, v.Ruling, v.Reason)
	assert.Equal(t, 2, v.Looks.Taken)
	assert.Contains(t, v.Measured, "2 looks taken of at most 3, each at 98.3 %")
	assert.Greater(t, v.N, 70)
	assert.Equal(t, 80, result.Summary.Requests)
	assert.Len(t, result.Summary.Receipts, 2)

	first, err := record.Load(c.Dir)
	require.NoError(t, err)
	second, err := record.Load(filepath.Join(c.Dir, "look-2"))
	require.NoError(t, err)
	assert.NotEqual(t, first.Case.ScheduleSeed, second.Case.ScheduleSeed)
	assert.Equal(t, first.Case.Seed, second.Case.Seed)
	assert.NotEqual(t, first.Requests[0].ID, second.Requests[0].ID)
	assert.NoDirExists(t, filepath.Join(c.Dir, "look-3"))

	c.Scenario.Looks = 1 // what was said before the run counts
	again, err := c.Judge()
	require.NoError(t, err)
	assert.Equal(t, result, again)

	// The same facts decide a looser promise at the first look, and are too few for a bound that they are on.
	c.Scenario = halfFail(0.9, 3)
	again, err = c.Judge()
	require.NoError(t, err)
	assert.Equal(t, 1, again.Verdicts[0].Looks.Taken)
	assert.Equal(t, expect.Pass, again.Verdicts[0].Ruling)
	c.Scenario = halfFail(0.5, 3)
	again, err = c.Judge()
	require.NoError(t, err)
	assert.Equal(t, expect.Inconclusive, again.Verdicts[0].Ruling)
}

// A run on its bound ends after the last look, undecided; one that is far over it, or kept, at the first.
func TestLooksEnd(t *testing.T) {
	t.Parallel()
	for bound, want := range map[float64]struct {
		ruling expect.Ruling
		taken  int
	}{0.5: {expect.Inconclusive, 2}, 0.1: {expect.Fail, 1}, 0.95: {expect.Pass, 1}} {
		v := execute(t, halfFail(bound, 2), reverseproxy.Wrap{}, 7).Verdicts[0]
		assert.Equal(t, want.ruling, v.Ruling, v.Reason)
		assert.Equal(t, want.taken, v.Looks.Taken)
	}
}

// A run in the folder of another one does not take that one's looks for its own.
func TestLooksOfAnotherRunAreForgotten(t *testing.T) {
	t.Parallel()
	c := caseOf(t, halfFail(0.5, 2), reverseproxy.Wrap{}, 7)
	_, err := c.Execute(t.Context())
	require.NoError(t, err)
	require.DirExists(t, filepath.Join(c.Dir, "look-2"))
	c.Scenario = halfFail(0.95, 0)
	result, err := c.Execute(t.Context())
	require.NoError(t, err)
	assert.NoDirExists(t, filepath.Join(c.Dir, "look-2"))
	assert.Equal(t, 40, result.Summary.Requests)
	assert.Nil(t, result.Verdicts[0].Looks)
}
