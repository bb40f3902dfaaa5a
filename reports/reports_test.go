package reports_test

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test ./reports -update writes it")
	assert.Equal(t, string(want), got)
}

// rendered is what is written of something.
func rendered(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, write(&b))
	return b.String()
}

// evidence is two POSTs, of which the second met a stale connection.
func evidence() expect.Evidence {
	cut := "close-on-reuse by FIN on orders"
	second := record.Exchange{
		Request: &record.Request{
			ID: "a-2", Method: "POST", Path: "/orders", Due: 10 * time.Millisecond, Sent: 11 * time.Millisecond,
			Done: 12500 * time.Microsecond, Outcome: record.Complete, Status: 502,
		},
		Arrivals: []record.Arrival{{ID: "a-2", Backend: "orders-1", Connection: 2, Position: 2, Action: record.CutOff, Injection: cut}},
	}
	first := record.Exchange{
		Request:  &record.Request{ID: "a-1", Method: "POST", Path: "/orders", Outcome: record.Complete, Status: 200, Backend: "orders-1"},
		Arrivals: []record.Arrival{{ID: "a-1", Backend: "orders-1", Connection: 2, Position: 1, Action: record.Answered, Status: 200}},
	}
	return expect.Evidence{
		Exchanges: []record.Exchange{first, second},
		Injections: []record.Injection{{
			ID: cut, For: 2 * time.Second, Lifted: record.Span{Begin: 3 * time.Second, End: 3004 * time.Millisecond},
			Receipts: []record.Receipt{{Replica: "orders-1", Connections: 1, Requests: 1, Probe: "the link held a FIN back for 201ms"}},
		}},
	}
}

func result(ruling expect.Ruling) reports.Result {
	e := evidence()
	return reports.Result{
		Scenario: "idleclose/TestPost", Gateway: "nginx@1.30", Detected: "1.30.6", Ruling: ruling, Dir: "runs/x",
		Summary: reports.Summarise(e),
		Verdicts: []expect.Verdict{{
			Metric: "failures", Promise: "failures during close-on-reuse by FIN on orders: none", Ruling: ruling,
			Reason: "want none, got 50 % (1 of 2; 95 % interval 2.5-97 %)", N: 2, K: 1,
			Outcomes: map[string]int{"502": 1}, Witness: &e.Exchanges[1],
		}},
	}
}

// A failure names the promise, the numbers, the first witness, the receipt, and the command that judges it again.
func TestMessage(t *testing.T) {
	t.Parallel()
	r := result(expect.Fail)
	r.Replay = "go test ./suites/idleclose -bg.replay=runs"
	golden(t, "message", reports.Message(r, r.Verdicts[0]))
}

func TestTable(t *testing.T) {
	t.Parallel()
	var all []reports.Result
	for _, ruling := range []expect.Ruling{expect.Pass, expect.Known, expect.KnownGone, expect.Inconclusive, expect.Fail, expect.Error} {
		r := result(ruling)
		r.Scenario += "-" + strings.ReplaceAll(ruling.String(), " ", "-")
		all = append(all, r)
	}
	for _, scenario := range []string{"idleclose/TestB", "idleclose/TestA"} {
		all = append(all, reports.Result{Scenario: scenario, Gateway: "envoy", NotRun: "no container engine"})
	}
	var b strings.Builder
	require.NoError(t, reports.Table(&b, all))
	reports.Details(&b, all[:2])
	golden(t, "table", b.String())
}

func TestSummarise(t *testing.T) {
	t.Parallel()
	s := reports.Summarise(evidence())
	assert.Equal(t, reports.Summary{
		Requests: 2, Failures: 1, Outcomes: map[string]int{"200": 1, "502": 1}, Attempts: 1,
		Touched: 1, TouchedFailures: 1, TouchedAttempts: 1,
		Receipts:     []string{"close-on-reuse by FIN on orders touched 1 request and ended 1 connection; the link held a FIN back for 201ms; lifted at 3.004 s"},
		Windows:      s.Windows, // see TestWindows
		Distribution: map[int]int{1: 2}, Costs: s.Costs,
	}, s)
	assert.Len(t, s.Windows, 1)
	assert.Zero(t, reports.Summarise(expect.Evidence{}).Attempts, "no request, no mean")
}

func TestReceipt(t *testing.T) {
	t.Parallel()
	for want, receipt := range map[string]record.Receipt{
		"f touched nothing": {Waiting: 3},
		"f had no chance: the gateway gave up all 2 connections first": {Prevented: 2, Waiting: 1},
		"f touched 0 requests and ended 2 connections":                 {Connections: 2, Prevented: 1},
		"f was in force; a connection was refused":                     {Uncounted: true, Probe: "a connection was refused"},
		"f dropped 3 packets":                                          {Packets: 3},
		"f touched 9 health checks":                                    {Checks: 9},
	} {
		assert.Equal(t, want, reports.Receipt(record.Injection{ID: "f", Receipts: []record.Receipt{receipt}}))
	}
}

// What was not measured outranks what passed, and is never green.
func TestWorstAndGreen(t *testing.T) {
	t.Parallel()
	order := []expect.Ruling{expect.Pass, expect.Known, expect.KnownGone, expect.Inconclusive, expect.Fail, expect.Error}
	for i, grave := range order {
		for _, harmless := range order[:i+1] {
			assert.Equal(t, grave, reports.Worst([]expect.Verdict{{Ruling: harmless}, {Ruling: grave}, {Ruling: harmless}}))
		}
	}
	assert.Equal(t, expect.Inconclusive, reports.Worst(nil))
	var zero expect.Ruling
	for _, strict := range []bool{false, true} {
		assert.False(t, reports.Green(zero, strict))
		assert.False(t, reports.Green(expect.Fail, strict))
		assert.False(t, reports.Green(expect.Error, strict))
		assert.True(t, reports.Green(expect.Pass, strict))
		assert.True(t, reports.Green(expect.Known, strict))
		assert.Equal(t, !strict, reports.Green(expect.KnownGone, strict))
	}
}

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := reports.LoadAll(dir)
	require.EqualError(t, err, dir+": no results here")

	r := result(expect.Inconclusive)
	r.Dir = filepath.Join(dir, "a", "b")
	require.NoError(t, os.MkdirAll(r.Dir, 0o755))
	require.NoError(t, reports.Save(r))
	loaded, err := reports.LoadAll(dir)
	require.NoError(t, err)
	r.Version = 2
	assert.Equal(t, []reports.Result{r}, loaded)

	for text, want := range map[string]string{
		`{"version": 3}`: "verdict.json: version 3, this badgateway reads 1 to 2",
		`{"version": 1`:  "verdict.json: unexpected end of JSON input",
		`{"version": 2, "summary": {"requests": 1000000000000000000}}`:                       "verdict.json: 1000000000000000000 requests",
		`{"version": 2, "summary": {"requests": 1, "failures": 2}}`:                          "verdict.json: 2 of 1 requests failed",
		`{"version": 2, "summary": {"requests": 1, "outcomes": {"": 1}}}`:                    `verdict.json: outcome "" of 1 of 1 requests`,
		`{"version": 2, "summary": {"requests": 1, "distribution": {"1": -1}}}`:              "verdict.json: 1 arrivals of -1 of 1 requests",
		`{"version": 2, "timeline": {"step": 1, "failed": [0], "median": [], "worst": [0]}}`: "verdict.json: the columns of the timeline do not fit each other",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(r.Dir, "verdict.json"), []byte(text), 0o644))
		_, err = reports.LoadAll(dir)
		require.ErrorContains(t, err, want)
	}
}
