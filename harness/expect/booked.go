package expect

import (
	"fmt"

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

// inLog is a share of those requests that the gateway's log has.
func inLog(metric string, during record.Phase, of func(record.Exchange) bool) Share {
	return Share{
		metric: metric, phase: during, where: []Filter{{"", func(e record.Exchange) bool { return e.Booked != 0 && of(e) }}},
		counts: func(e record.Exchange) bool { return e.Booked >= 500 },
		label:  func(e record.Exchange) string { return fmt.Sprintf("booked %d", e.Booked) },
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
