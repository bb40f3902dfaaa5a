package expect_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

// onConnections puts n requests on so many connections of the gateway, every so manieth of which was chosen by the fault.
func onConnections(n, connections, every int) expect.Evidence {
	e := run(n)
	e.Injections[0].Unit = record.Connections
	for i := range e.Exchanges {
		x := &e.Exchanges[i]
		number := i%connections + 1
		x.Connection = 1
		for k := range x.Arrivals {
			x.Arrivals[k].Connection = number
		}
		if every > 0 && number%every == 0 {
			x.Status, x.Backend = 502, ""
		}
	}
	return e
}

// Where the fault chose connections, requests on one are not so many trials, and the verdict says how many there were.
func TestConnectionsAreTheUnit(t *testing.T) {
	t.Parallel()
	by := func(unit record.Unit, x expect.Expectation) expect.Verdict {
		e := onConnections(1000, 40, 4)
		e.Injections[0].Unit = unit
		return x.Judge(e)
	}
	atMost := expect.Failures(during).AtMost(30 * expect.Percent)
	v := by(record.Requests, atMost)
	assert.Equal(t, expect.Pass, v.Ruling, "25 %% of 1000, give or take 3")
	assert.Zero(t, v.Connections)

	v = by(record.Connections, atMost)
	assert.Equal(t, expect.Inconclusive, v.Ruling, "10 of 40")
	assert.Equal(t, 40, v.Connections)
	assert.Equal(t, 1000, v.N)
	assert.Contains(t, v.Measured, "25 % (250 of 1000 on 40 connections, which is what the fault chose; 95 % interval 13.7-41.1 %)")
	assert.Contains(t, v.Reason, "connections would decide")
	assert.Equal(t, expect.Pass, by(record.Connections, expect.Failures(during).AtMost(50*expect.Percent)).Ruling)
	assert.Equal(t, expect.Fail, by(record.Connections, expect.Failures(during).AtMost(10*expect.Percent)).Ruling)

	assert.Equal(t, 40, by(record.Connections, expect.Failures(whole).AtMost(0.5)).Connections, "the fault acted in the whole run too")
	e := onConnections(100, 10, 0)
	e.Injections = append(e.Injections, record.Injection{ID: "other", Lifted: record.Span{Begin: 10}})
	other := record.Phase{Window: "other", Part: record.During}
	assert.Zero(t, expect.Failures(other).None().Judge(e).Connections, "but not in another fault's window")
}

// None of many requests on few connections is few.
func TestNoneOfFewConnections(t *testing.T) {
	t.Parallel()
	v := expect.Failures(during).None().Judge(onConnections(1000, 10, 0))
	assert.Equal(t, expect.Inconclusive, v.Ruling)
	assert.Equal(t, "none of 10, but at least 29 connections are needed to judge", v.Reason)
	assert.Equal(t, expect.Pass, expect.Failures(during).None().Judge(onConnections(1000, 29, 0)).Ruling)
	assert.Equal(t, expect.Fail, expect.Failures(during).None().Judge(onConnections(1000, 10, 2)).Ruling, "one is enough")
}

// Connections are the client's where the client misbehaves, and a request that reached no backend shares none.
func TestWhoseConnections(t *testing.T) {
	t.Parallel()
	e := onConnections(100, 10, 0)
	e.Injections[0].Target = "client"
	assert.Equal(t, 1, expect.Failures(during).None().Judge(e).Connections)
	e = onConnections(100, 10, 0)
	e.Exchanges[0].Arrivals, e.Exchanges[10].Arrivals = nil, nil
	assert.Equal(t, 12, expect.Failures(during).None().Judge(e).Connections)
}

// A mean is judged by connections too where the fault chose those: 25 % of 40 connections is less sure than 25 % of 1000
// requests.
func TestConnectionsAreTheUnitOfMeans(t *testing.T) {
	t.Parallel()
	by := func(unit record.Unit, connections int, x expect.Expectation) expect.Verdict {
		e := onConnections(1000, connections, 0)
		e.Injections[0].Unit = unit
		for i := range e.Exchanges {
			x := &e.Exchanges[i]
			if x.Arrivals[0].Connection%4 == 0 && len(x.Arrivals) == 1 {
				x.Arrivals = append(x.Arrivals, x.Arrivals[0])
			}
		}
		return x.Judge(e)
	}
	atMost := expect.AttemptsPerRequest(during).AtMost(1.3)
	v := by(record.Requests, 40, atMost)
	assert.Equal(t, expect.Pass, v.Ruling, v.Reason)
	assert.Zero(t, v.Connections)
	assert.Contains(t, v.Measured, "1.25 (n = 1000; 95 % interval 1.22-1.28; at most 2)")

	v = by(record.Connections, 40, atMost)
	assert.Equal(t, expect.Inconclusive, v.Ruling)
	assert.Equal(t, 40, v.Connections)
	assert.Equal(t, 1000, v.N)
	assert.Contains(t, v.Measured, "1.25 (n = 1000 on 40 connections, which is what the fault chose; 95 % interval 1.11-1.39; at most 2)")
	assert.Equal(t, expect.Pass, by(record.Connections, 40, expect.AttemptsPerRequest(during).AtMost(1.45)).Ruling)
	assert.Equal(t, expect.Fail, by(record.Connections, 40, expect.AttemptsPerRequest(during).AtMost(1.05)).Ruling)

	v = by(record.Connections, 20, atMost)
	assert.Equal(t, expect.Inconclusive, v.Ruling)
	assert.Equal(t, "20 connections fall under this promise, at least 29 are needed to judge", v.Reason)
}
