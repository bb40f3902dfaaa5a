package record_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/badgateway/badgateway/harness/record"
)

func TestJoin(t *testing.T) {
	requests := []record.Request{{ID: "a", Status: 200}, {ID: "b", Status: 502}, {ID: "c"}}
	arrivals := []record.Arrival{
		{ID: "b", Backend: "orders-2", At: 3 * time.Second},
		{ID: "x", Backend: "orders-1", At: 1},
		{ID: "a", Backend: "orders-1", At: 4 * time.Second},
		{ID: "b", Backend: "orders-1", At: 0},
		{ID: "", Backend: "orders-1", At: 2},
		{ID: "b", Backend: "orders-3", At: 3 * time.Second},
	}
	exchanges, strays := record.Join(requests, arrivals)

	require.Len(t, exchanges, 3)
	assert.Equal(t, record.Exchange{Request: &requests[0], Arrivals: []record.Arrival{arrivals[2]}}, exchanges[0])
	assert.Equal(t, record.Exchange{Request: &requests[1], Arrivals: []record.Arrival{arrivals[3], arrivals[0], arrivals[5]}},
		exchanges[1], "by time, and at the same time as they were given")
	assert.Equal(t, record.Exchange{Request: &requests[2]}, exchanges[2], "a request that no backend saw")
	assert.Equal(t, []record.Arrival{arrivals[1], arrivals[4]}, strays)
}

func TestJoinOfNothing(t *testing.T) {
	exchanges, strays := record.Join(nil, nil)
	assert.Empty(t, exchanges)
	assert.Empty(t, strays)

	_, strays = record.Join(nil, []record.Arrival{{ID: "a"}})
	assert.Len(t, strays, 1)
}

// Arrivals at the same instant stay as they were given, also where there are enough of them for a sort to shuffle.
func TestJoinIsStable(t *testing.T) {
	var arrivals []record.Arrival
	for i := range 100 {
		arrivals = append(arrivals, record.Arrival{ID: "a", Sequence: int32(i), At: time.Duration(i % 3)})
	}
	exchanges, _ := record.Join([]record.Request{{ID: "a"}}, arrivals)
	require.Len(t, exchanges[0].Arrivals, 100)
	for i, a := range exchanges[0].Arrivals[1:] {
		before := exchanges[0].Arrivals[i]
		require.True(t, before.At < a.At || before.At == a.At && before.Sequence < a.Sequence, "%d before %d", before.Sequence, a.Sequence)
	}
}

// Nothing gets lost or doubled in a join, whatever the order of the arrivals and however far apart they are.
func TestJoinKeepsEverything(t *testing.T) {
	ids := []string{"a", "b", "c", "d"}
	rapid.Check(t, func(t *rapid.T) {
		known := rapid.IntRange(0, len(ids)).Draw(t, "requests")
		var requests []record.Request
		for _, id := range ids[:known] {
			requests = append(requests, record.Request{ID: id})
		}
		at := rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(math.MinInt64, math.MaxInt64))
		arrivals := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) record.Arrival {
			return record.Arrival{ID: rapid.SampledFrom(ids).Draw(t, "id"), At: time.Duration(at.Draw(t, "at"))}
		}), 0, 40).Draw(t, "arrivals")

		exchanges, strays := record.Join(requests, arrivals)
		require.Len(t, exchanges, known)
		all := strays
		for i, e := range exchanges {
			require.Equal(t, requests[i], *e.Request)
			require.Equal(t, len(e.Arrivals), e.Attempts())
			for j, a := range e.Arrivals {
				require.Equal(t, e.ID, a.ID)
				require.True(t, j == 0 || e.Arrivals[j-1].At <= a.At, "in order")
			}
			all = append(all, e.Arrivals...)
		}
		for _, a := range strays {
			require.NotContains(t, ids[:known], a.ID)
		}
		require.ElementsMatch(t, arrivals, all)
	})
}

func TestExchange(t *testing.T) {
	answered := record.Arrival{Backend: "orders-1", Action: record.Answered, Executed: true, Status: 200}
	cut := record.Arrival{Backend: "orders-2", Action: record.CutOff, Injection: "close"}
	lost := record.Arrival{Backend: "orders-2", Action: record.CutOff, Injection: "close", Executed: true}
	dead := record.Arrival{Backend: "orders-3", Action: record.Unfinished}
	ok := record.Request{Outcome: record.Complete, Status: 200, Backend: "orders-1"}
	own := record.Request{Outcome: record.Complete, Status: 502}
	closed := record.Request{Outcome: record.Closed}
	for name, test := range map[string]struct {
		request              record.Request
		arrivals             []record.Arrival
		attempts, executions int
		touched, answered    bool
	}{
		"never arrived":                   {request: own},
		"answered":                        {ok, []record.Arrival{answered}, 1, 1, false, true},
		"retried":                         {ok, []record.Arrival{cut, answered}, 2, 1, true, true},
		"executed twice":                  {ok, []record.Arrival{lost, answered}, 2, 2, true, true},
		"given up":                        {own, []record.Arrival{cut, cut}, 2, 0, true, false},
		"executed, and nobody heard":      {own, []record.Arrival{lost}, 1, 1, true, false},
		"backend died":                    {closed, []record.Arrival{dead}, 1, 0, false, false},
		"backend died of its answer":      {record.Request{Outcome: record.Complete, Status: 200, Backend: "orders-3"}, []record.Arrival{dead}, 1, 0, false, true},
		"answered, but the gateway lied":  {own, []record.Arrival{answered}, 1, 1, false, false},
		"answered by somebody else":       {record.Request{Outcome: record.Complete, Status: 200, Backend: "orders-9"}, []record.Arrival{answered}, 1, 1, false, false},
		"answered with another status":    {record.Request{Outcome: record.Complete, Status: 500, Backend: "orders-1"}, []record.Arrival{answered}, 1, 1, false, false},
		"closed after the backend's work": {closed, []record.Arrival{lost}, 1, 1, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			exchange := record.Exchange{Request: &test.request, Arrivals: test.arrivals}
			assert.Equal(t, test.attempts, exchange.Attempts())
			assert.Equal(t, test.executions, exchange.Executions())
			assert.Equal(t, test.touched, exchange.Touched())
			assert.Equal(t, test.answered, exchange.Answered())
		})
	}
}
