package record_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/badgateway/badgateway/harness/record"
)

func TestClock(t *testing.T) {
	clock := record.StartClock()
	first := clock.Now()
	second := clock.Now()
	assert.GreaterOrEqual(t, first, time.Duration(0))
	assert.GreaterOrEqual(t, second, first)
	assert.Equal(t, time.Second, clock.At(3*time.Second).Sub(clock.At(2*time.Second)))
	assert.GreaterOrEqual(t, time.Since(clock.At(second)), time.Duration(0), "At is the inverse of Now")
}

// Any 5xx and anything but a complete answer is a failure; a 4xx is the gateway doing its work.
func TestOutcomes(t *testing.T) {
	for _, test := range []struct {
		outcome record.Outcome
		status  int
		label   string
		failed  bool
	}{
		{record.Complete, 200, "200", false},
		{record.Complete, 301, "301", false},
		{record.Complete, 404, "404", false},
		{record.Complete, 499, "499", false},
		{record.Complete, 500, "500", true},
		{record.Complete, 502, "502", true},
		{record.Complete, 599, "599", true},
		{record.Truncated, 200, "truncated", true}, // a status that came proves nothing
		{record.Corrupt, 200, "corrupt", true},
		{record.Crossed, 200, "crossed", true},
		{record.Closed, 0, "closed", true},
		{record.Reset, 0, "reset", true},
		{record.TimedOut, 0, "timed-out", true},
		{record.Hung, 0, "hung", true},
		{record.Malformed, 0, "malformed", true},
		{record.Refused, 0, "refused", true},
		{record.Aborted, 0, "aborted", false},
		{record.Aborted, 200, "aborted", false},
		{record.Aborted, 502, "aborted", true}, // the gateway had failed before the client broke off
		{record.Dropped, 0, "dropped", false},  // it is the client that failed
		{"", 200, "", true},                    // an outcome that was never set is not a success
	} {
		t.Run(string(test.outcome)+"/"+test.label, func(t *testing.T) {
			request := record.Request{Outcome: test.outcome, Status: test.status}
			assert.Equal(t, test.failed, request.Failed())
			assert.Equal(t, test.label, request.Label())
		})
	}
}

func TestInjectionReceipts(t *testing.T) {
	for name, test := range map[string]struct {
		receipts       []record.Receipt
		bit, prevented bool
		total          record.Receipt
	}{
		"none":      {},
		"all empty": {receipts: []record.Receipt{{Replica: "orders-1"}, {Replica: "orders-2"}}},
		"a request": {receipts: []record.Receipt{{Requests: 1}}, bit: true, total: record.Receipt{Requests: 1}},
		// E.g. a connection ended while it was unused.
		"a connection": {receipts: []record.Receipt{{Connections: 1}}, bit: true, total: record.Receipt{Connections: 1}},
		"on one replica of two": {
			receipts: []record.Receipt{{Prevented: 2}, {Connections: 1, Requests: 1}},
			bit:      true, total: record.Receipt{Connections: 1, Requests: 1, Prevented: 2},
		},
		"prevented everywhere": {
			receipts:  []record.Receipt{{Prevented: 2}, {Prevented: 3}},
			prevented: true, total: record.Receipt{Prevented: 5},
		},
		"prevented and waiting": {
			receipts:  []record.Receipt{{Prevented: 1, Waiting: 1}},
			prevented: true, total: record.Receipt{Prevented: 1, Waiting: 1},
		},
		"waiting":   {receipts: []record.Receipt{{Waiting: 4}}, total: record.Receipt{Waiting: 4}},
		"only said": {receipts: []record.Receipt{{Probe: "link held back a close"}}},
		"everything": {
			receipts: []record.Receipt{{Connections: 1, Requests: 2, Prevented: 3, Waiting: 4}, {Connections: 10, Requests: 20, Prevented: 30, Waiting: 40}},
			bit:      true, total: record.Receipt{Connections: 11, Requests: 22, Prevented: 33, Waiting: 44},
		},
	} {
		t.Run(name, func(t *testing.T) {
			injection := record.Injection{ID: "close", Target: "orders", Receipts: test.receipts}
			assert.Equal(t, test.bit, injection.Bit())
			assert.Equal(t, test.prevented, injection.Prevented())
			test.total.Replica = "orders"
			assert.Equal(t, test.total, injection.Total())
		})
	}
}
