//go:build linux && !race

package reports_test

import (
	"os"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/memory"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// A million exchanges become a result, and every face of it, within 5 s and 500 MB, what they themselves take included; the
// page has less than two megabytes.
func TestFacesOfAMillionRequests(t *testing.T) {
	kB, out := memory.Peak(t, func() { renderAMillion(t) })
	t.Logf("%s", regexp.MustCompile(`rendered in [0-9.a-z]+`).Find(out))
	assert.Less(t, kB, 500_000)
}

func renderAMillion(t *testing.T) {
	t.Helper()
	const n = 1_000_000
	requests, arrivals := make([]record.Request, n), make([]record.Arrival, n)
	e := expect.Evidence{Planned: n, Exchanges: make([]record.Exchange, n)}
	for i := range n {
		at := time.Duration(i) * 50 * time.Microsecond
		requests[i] = record.Request{
			ID: "a", Method: "GET", Path: "/", Due: at, Sent: at, Done: at + time.Duration(i%977)*time.Microsecond,
			Outcome: record.Complete, Status: 200 + i%50/49*302,
		}
		arrivals[i] = record.Arrival{ID: "a", Backend: "b-1", At: at, Action: record.Answered, Executed: true}
		e.Exchanges[i] = record.Exchange{Request: &requests[i], Arrivals: arrivals[i : i+1 : i+1]}
	}
	runtime.GC() // as is done before judging
	began := time.Now()
	r := reports.Run{Dir: t.TempDir(), Results: []reports.Result{{
		Scenario: "steady/TestMillion", Gateway: "nginx@1.30", Ruling: expect.Fail, Summary: reports.Summarise(e), Timeline: reports.NewTimeline(e),
	}}}
	require.NoError(t, r.WriteFaces())
	took := time.Since(began)
	t.Logf("rendered in %s", took)
	assert.Less(t, took, 5*time.Second)
	assert.Equal(t, n/50, r.Results[0].Summary.Failures)
	info, err := os.Stat(r.Dir + "/" + reports.PageFile)
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(2_000_000))
}
