package expect_test

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cut names the one fault of these tests.
const cut = "cut on orders"

var (
	whole  = record.Phase{}
	during = record.Phase{Window: cut, Part: record.During}
)

// answered is a request that orders-1 answered at its first attempt.
func answered(i int) record.Exchange {
	id := fmt.Sprintf("r-%d", i)
	return record.Exchange{
		Request: &record.Request{ID: id, Method: "GET", Outcome: record.Complete, Status: 200, Backend: "orders-1"},
		Arrivals: []record.Arrival{{
			ID: id, Backend: "orders-1", Sequence: int32(i), Action: record.Answered, Status: 200, Executed: true, Intact: true,
		}},
	}
}

// run is n requests in good order, and a fault that touched the last of them.
func run(n int) expect.Evidence {
	e := expect.Evidence{Planned: n, Injections: []record.Injection{{
		ID: cut, Lifted: record.Span{Begin: 10, End: 11},
		Receipts: []record.Receipt{{Replica: "orders-1", Connections: 1, Requests: 1}},
	}}}
	for i := range n {
		e.Exchanges = append(e.Exchanges, answered(i+1))
	}
	last := &e.Exchanges[n-1]
	last.Arrivals = append([]record.Arrival{
		{ID: last.ID, Backend: "orders-1", Sequence: int32(n) + 1, Action: record.CutOff, Injection: cut, Intact: true},
	}, last.Arrivals...)
	return e
}

// abort names a fault from the client.
const abort = "abort on client"

// brokenOff lets the client break off k requests, from the first on.
func brokenOff(e expect.Evidence, k int) expect.Evidence {
	e.Injections = append(e.Injections, record.Injection{
		ID: abort, Target: "client", Lifted: record.Span{Begin: 10, End: 11},
		Receipts: []record.Receipt{{Replica: "client", Connections: k, Requests: k}},
	})
	for i := range k {
		x := &e.Exchanges[i]
		x.Outcome, x.Status, x.Backend, x.Injection = record.Aborted, 0, "", abort
		x.Arrivals[0].Action, x.Arrivals[0].Status = record.Abandoned, 0
	}
	return e
}

// break makes k requests fail with a status, from the first on.
func broken(e expect.Evidence, k, status int) expect.Evidence {
	for i := range k {
		x := &e.Exchanges[i]
		x.Status, x.Backend = status, ""
	}
	return e
}
