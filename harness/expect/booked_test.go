package expect_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

// logged is a hundred requests of which the last thirty were broken off; the log has all but ten of the others.
func logged(booked int32) expect.Evidence {
	e := expect.Evidence{Planned: 100}
	for i := range 100 {
		r := &record.Request{ID: strconv.Itoa(i), Outcome: record.Complete, Status: 200, Booked: 200}
		if i < 10 {
			r.Booked = 0
		}
		if i >= 70 {
			r.Outcome, r.Status, r.Booked = record.Aborted, 0, booked
		}
		e.Exchanges = append(e.Exchanges, record.Exchange{Request: r})
	}
	return e
}

// chained is forty requests that failed with a 504, as each of two gateways booked them.
func chained(front int16, gateway int32) expect.Evidence {
	e := expect.Evidence{Planned: 41, Exchanges: []record.Exchange{{Request: &record.Request{Outcome: record.Complete, Status: 200, Booked: 200, BookedInFront: 200}}}}
	for i := range 40 {
		r := &record.Request{ID: strconv.Itoa(i), Outcome: record.Complete, Status: 504, Booked: gateway, BookedInFront: front}
		e.Exchanges = append(e.Exchanges, record.Exchange{Request: r})
	}
	return e
}

// What two gateways, one in front of the other, say of a request, and what its client was told.
func TestBookedByTwo(t *testing.T) {
	t.Parallel()
	served := expect.BookedServed(record.Phase{}).None()
	otherwise := expect.BookedOtherwiseInFront(record.Phase{}).None()
	errs := expect.BookedErrors(record.Phase{}).None()
	for name, c := range map[string]struct {
		front                   int16
		gateway                 int32
		otherwise, served, errs expect.Ruling
		outcomes                map[string]int // of the promise that is broken
	}{
		"given up in front":    {504, 499, expect.Pass, expect.Pass, expect.Pass, nil},
		"without a status":     {504, record.NoStatus, expect.Pass, expect.Pass, expect.Pass, nil},
		"given up behind":      {504, 504, expect.Pass, expect.Pass, expect.Fail, map[string]int{"504 booked as 504 in front and 504 behind": 40}},
		"served to nobody":     {504, 200, expect.Pass, expect.Fail, expect.Pass, map[string]int{"504 booked as 504 in front and 200 behind": 40}},
		"told something else":  {502, 499, expect.Fail, expect.Pass, expect.Pass, map[string]int{"504 booked as 502 in front and 499 behind": 40}},
		"not in the log":       {504, 0, expect.Pass, expect.Inconclusive, expect.Inconclusive, nil},
		"not in that in front": {0, 499, expect.Inconclusive, expect.Pass, expect.Pass, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := chained(c.front, c.gateway)
			for _, check := range []struct {
				promise expect.Expectation
				want    expect.Ruling
			}{{otherwise, c.otherwise}, {served, c.served}, {errs, c.errs}} {
				v := check.promise.Judge(e)
				assert.Equal(t, check.want, v.Ruling, v.Promise)
				if v.Ruling == expect.Fail {
					assert.Equal(t, c.outcomes, v.Outcomes)
				}
			}
		})
	}
	assert.True(t, expect.All{otherwise}.ReadsLog())
	assert.True(t, expect.All{served}.ReadsLog())
}

// A log that has what no backend has seen is as wrong as one that lacks what was served: one that has nothing proves nothing.
func TestMisbooked(t *testing.T) {
	t.Parallel()
	promise := expect.Misbooked(record.Phase{}).None()
	behind := func(attempts int, booked int32) expect.Evidence {
		e := logged(booked)
		for i := range e.Exchanges {
			e.Exchanges[i].Booked = booked
			e.Exchanges[i].Arrivals = make([]record.Arrival, attempts)
		}
		return e
	}
	for name, c := range map[string]struct {
		attempts int
		booked   int32
		want     expect.Ruling
	}{
		"served and booked":          {1, 200, expect.Pass},
		"turned away, not booked":    {0, 0, expect.Pass},
		"turned away, but booked":    {0, 503, expect.Fail},
		"served, but not in the log": {1, 0, expect.Fail},
	} {
		assert.Equal(t, c.want, promise.Judge(behind(c.attempts, c.booked)).Ruling, name)
	}
	assert.True(t, expect.All{promise}.ReadsLog())
}

func TestBookedErrors(t *testing.T) {
	t.Parallel()
	aborted := expect.BookedAborts(record.Phase{}).None()
	others := expect.BookedErrors(record.Phase{}).None()

	v := aborted.Judge(logged(502))
	assert.Equal(t, expect.Fail, v.Ruling)
	assert.Equal(t, "aborts as 5xx in the gateway's log in the whole run: none", v.Promise)
	assert.Equal(t, map[string]int{"booked 502": 30}, v.Outcomes)
	assert.Equal(t, expect.Pass, aborted.Judge(logged(499)).Ruling)

	v = others.Judge(logged(502))
	assert.Equal(t, expect.Pass, v.Ruling)
	assert.Equal(t, 60, v.N, "what the log does not have is no evidence")
	v = aborted.Judge(logged(0))
	assert.Equal(t, expect.Inconclusive, v.Ruling, "and a log that has none of them proves nothing")
	assert.Equal(t, "no request falls under this promise", v.Reason)

	assert.True(t, expect.All{expect.Failures(record.Phase{}).None(), others}.ReadsLog())
	assert.True(t, expect.All{expect.BookedErrors(record.Phase{}).AtMost(0.1)}.ReadsLog())
	assert.False(t, expect.All{expect.Failures(record.Phase{}).None()}.ReadsLog())
}
