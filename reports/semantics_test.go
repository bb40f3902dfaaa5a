package reports_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// Requests before, during and after a window, in which GETs are sent again and POSTs fail; one fails 0.5 s after it, too.
func TestWindows(t *testing.T) {
	t.Parallel()
	request := func(method string, sent time.Duration, status, arrivals int) record.Exchange {
		return record.Exchange{
			Request:  &record.Request{Method: method, Sent: sent, Done: sent + time.Millisecond, Outcome: record.Complete, Status: status},
			Arrivals: make([]record.Arrival, arrivals),
		}
	}
	summary := reports.Summarise(expect.Evidence{
		Injections: []record.Injection{{
			ID: "f", Applied: record.Span{Begin: time.Second, End: time.Second}, Lifted: record.Span{Begin: 2 * time.Second, End: 2 * time.Second},
		}},
		Exchanges: []record.Exchange{
			request("POST", 0, 500, 1),
			request("GET", time.Second, 200, 2), request("GET", time.Second, 200, 1), request("POST", time.Second, 502, 1),
			request("GET", 2500*time.Millisecond, 502, 0), request("GET", 3*time.Second, 200, 1),
		},
	})
	assert.Equal(t, []reports.Window{{
		ID: "f", In: record.Span{Begin: time.Second, End: 2 * time.Second}, After: 2, Failing: 0.5,
		Methods: map[string]reports.Met{
			"GET":  {Requests: 2, Outcomes: map[string]int{"200": 2}, Arrivals: 3, Most: 2},
			"POST": {Requests: 1, Outcomes: map[string]int{"502": 1}, Arrivals: 1, Most: 1},
		},
	}}, summary.Windows)
}

func TestSemantics(t *testing.T) {
	t.Parallel()
	result := func(row, gateway string, failing float64, get, post reports.Met) reports.Result {
		return reports.Result{
			Scenario: "semantics/TestFailure/" + row, Gateway: gateway, Detected: "1." + gateway[len(gateway)-1:],
			Summary: reports.Summary{Windows: []reports.Window{{Failing: failing, Methods: map[string]reports.Met{"GET": get, "POST": post}}}},
		}
	}
	met := func(arrivals int, outcomes map[string]int) reports.Met {
		return reports.Met{Requests: 10, Outcomes: outcomes, Arrivals: arrivals}
	}
	all := map[string]int{"502": 10}
	var out strings.Builder
	require.NoError(t, reports.Semantics(&out, []reports.Result{
		result("a_refusal", "b@2", 0, met(0, all), met(0, all)),
		result("a_refusal", "b@1", 0.51, met(15, map[string]int{"200": 10}), met(10, map[string]int{"502": 4, "closed": 6})),
		result("silence", "a@1", 0, met(10, all), met(10, all)),
		{Scenario: "semantics/TestFailure/silence", Gateway: "b@1", NotRun: "not supported: the gateway has no [read-timeout]"},
		{Scenario: "semantics/TestFailure/silence", Gateway: "b@2", NotRun: "no image"},
		{Scenario: "other/TestFailure/silence", Gateway: "b@2"},
	}))
	assert.Equal(t, `## a

| the backend's failure | a@1 (1.1) |
|---|---|
| a refusal | - |
| silence | 502 (1) |

## b

| the backend's failure | b@1 (1.1) | b@2 (1.2) |
|---|---|---|
| a refusal | GET 200 (1.5), POST closed or 502 (1); 0.5 s | 502 (0) |
| silence | not supported | not run |

`, out.String())
	assert.EqualError(t, reports.Semantics(&out, nil), "no results of semantics/TestFailure here")
}
