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
