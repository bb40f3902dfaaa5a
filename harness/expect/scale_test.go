package expect_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

// observed is a run of n requests as they are loaded: arrivals backend by backend, and every hundredth request cut off and
// sent again.
func observed(n int) record.Facts {
	f := record.Facts{Case: record.Case{Planned: n}, Requests: make([]record.Request, 0, n), Arrivals: make([]record.Arrival, 0, n+n/100)}
	cutOff := 0
	for backend := range 3 {
		name, sequence, sentAgain := "orders-"+strconv.Itoa(backend+1), int32(0), backend == 0
		for i := range n {
			again := sentAgain && i%100 == 0
			if i%3 != backend && !again {
				continue
			}
			sequence++
			at := time.Duration(i) * time.Millisecond
			a := record.Arrival{
				ID: "seed-" + strconv.Itoa(i), Backend: name, Life: 1, Sequence: sequence, Method: "GET", Path: "/orders",
				Connection: i % 64, Position: i/64 + 1, At: at + 1, Done: at + 2, Intact: true, Action: record.Answered,
				Executed: true, Status: 200,
			}
			if again {
				a.At, a.Injection, a.Action, a.Status, a.Executed = at, cut, record.CutOff, 0, false
				cutOff++
			}
			f.Arrivals = append(f.Arrivals, a)
			if again && i%3 == backend { // the same replica gets it again
				sequence++
				a.Sequence, a.At, a.Injection, a.Action, a.Status, a.Executed = sequence, at+1, "", record.Answered, 200, true
				f.Arrivals = append(f.Arrivals, a)
			}
		}
	}
	for i := range n {
		f.Requests = append(f.Requests, observedRequest(i))
	}
	f.Injections = []record.Injection{{
		ID: cut, Lifted: record.Span{Begin: time.Duration(n) * time.Millisecond, End: time.Duration(n) * time.Millisecond},
		Receipts: []record.Receipt{{Replica: "orders-1", Connections: cutOff, Requests: cutOff}},
	}}
	return f
}

func observedRequest(i int) record.Request {
	at := time.Duration(i) * time.Millisecond
	return record.Request{
		ID: "seed-" + strconv.Itoa(i), Method: "GET", Path: "/orders", Due: at, Begun: at, Sent: at, FirstByte: at + 3, Done: at + 4,
		Connection: i%64 + 1, Position: i/64 + 1, Outcome: record.Complete, Status: 200, Backend: "orders-" + strconv.Itoa(i%3+1), Received: 128,
	}
}

// manyPromises is more than any shipped scenario promises.
var manyPromises = expect.All{
	expect.Failures(during).None(),
	expect.Failures(during).Where(expect.Method("GET")).AtMost(5 * expect.Percent),
	expect.ServerErrors(during).None(),
	expect.AttemptsOver(2, during).None(),
	expect.DuplicateExecutions(during).None(),
	expect.GhostWork(during).None(),
	expect.AlteredBodies(during).None(),
	expect.RetriesWithin(10*time.Millisecond, during).AtMost(5 * expect.Percent),
	expect.AttemptsPerRequest(during).AtMost(1.1),
	expect.ConnectionsPerRequest(during).AtMost(1.1),
	expect.LatencyOf(0.99, during).AtMost(time.Second),
	expect.Recovery(during).Within(time.Second),
}

func judgeAll(tb testing.TB, f record.Facts) {
	tb.Helper()
	exchanges, strays := record.Join(f.Requests, f.Arrivals)
	e := expect.Evidence{Planned: f.Case.Planned, Exchanges: exchanges, Strays: strays, Injections: f.Injections}
	verdicts := expect.Judge(manyPromises, e, nil)
	require.Len(tb, verdicts, len(manyPromises))
	for _, v := range verdicts {
		require.Equal(tb, expect.Pass, v.Ruling, "%s: %s", v.Promise, v.Reason)
	}
}

// BenchmarkJudge joins and judges; what it reports is for one exchange.
func BenchmarkJudge(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			f := observed(n)
			b.ReportAllocs()
			for b.Loop() {
				judgeAll(b, f)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/exchange")
		})
	}
}
