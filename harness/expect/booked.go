package expect

import (
	"github.com/badgateway/badgateway/harness/record"
)

// What the gateway's own log says of requests, which may be something else than what their clients were told.

// BookedErrors is the share of the requests in the gateway's log that stand there with a 5xx, those left out that their
// clients broke off.
func BookedErrors(during record.Phase) Share {
	return inLog("5xx in the gateway's log", during, func(e record.Exchange) bool { return e.Outcome != record.Aborted })
}

// BookedAborts is the share of the requests in the gateway's log that stand there with a 5xx, of those that their clients
// broke off: what somebody counts as failures who counts log lines, or a metric made of them, and nobody was told.
func BookedAborts(during record.Phase) Share {
	return inLog("aborts as 5xx in the gateway's log", during, func(e record.Exchange) bool { return e.Outcome == record.Aborted })
}

// BookedServed is the share of the failed requests in the gateway's log that stand there as served, with less than 400: who looks
// for the reason of what users were told finds that nothing has happened. One without a status was not served.
func BookedServed(during record.Phase) Share {
	s := inLog("failures that the gateway's log takes for served", during, func(e record.Exchange) bool { return e.Failed() })
	s.counts = func(e record.Exchange) bool { return e.Booked > 0 && e.Booked < 400 }
	return s
}

// BookedOtherwiseInFront is the share of the requests in the log of the gateway in front that stand there with another status
// than the one that their clients were told.
func BookedOtherwiseInFront(during record.Phase) Share {
	return Share{
		metric: "told otherwise than booked in front", phase: during,
		where:  []Filter{{"", func(e record.Exchange) bool { return e.BookedInFront != 0 && e.Outcome == record.Complete }}},
		counts: func(e record.Exchange) bool { return int(e.BookedInFront) != e.Status },
		label:  booked,
	}
}

// Misbooked is the share of the requests on which the gateway's log and the backends disagree: it stands there and reached none,
// or the other way round. None of them means that what a front has turned away, the gateway behind it has never seen.
func Misbooked(during record.Phase) Share {
	return Share{
		metric: "in the gateway's log or at a backend, and not both", phase: during,
		counts: func(e record.Exchange) bool { return (e.Booked != 0) != (e.Attempts() > 0) },
		label:  booked,
	}
}

func booked(e record.Exchange) string { return e.Bookings() }

// inLog is a share of those requests that the gateway's log has.
func inLog(metric string, during record.Phase, of func(record.Exchange) bool) Share {
	return Share{
		metric: metric, phase: during, where: []Filter{{"", func(e record.Exchange) bool { return e.Booked != 0 && of(e) }}},
		counts: func(e record.Exchange) bool { return e.Booked >= 500 },
		label:  booked,
	}
}

// ReadsLog reports whether one of the promises is about what the gateway's log says.
func (all All) ReadsLog() bool {
	for _, x := range all {
		if r, is := x.(rebound); is {
			x = r.Expectation
		}
		switch x := x.(type) {
		case none:
			if x.label != nil {
				return true
			}
		case atMost:
			if x.label != nil {
				return true
			}
		}
	}
	return false
}
