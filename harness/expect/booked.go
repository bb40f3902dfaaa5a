package expect

import (
	"fmt"

	"github.com/badgateway/badgateway/harness/record"
)

// What the gateway's own log says of requests, which may be something else than what their clients were told.

// BookedErrors is the share of the requests in the gateway's log that stand there with a 5xx: what somebody counts who counts
// log lines, or a metric made of them.
func BookedErrors(during record.Phase) Share {
	return Share{
		metric: "5xx in the gateway's log", phase: during, where: []Filter{booked},
		counts: func(e record.Exchange) bool { return e.Booked >= 500 },
		label:  func(e record.Exchange) string { return fmt.Sprintf("booked %d", e.Booked) },
	}
}

// booked keeps requests that the gateway's log has, which goes without saying.
var booked = Filter{"", func(e record.Exchange) bool { return e.Booked != 0 }}

// Aborted keeps requests that the client broke off on purpose.
func Aborted() Filter {
	return Filter{"those that were broken off", func(e record.Exchange) bool { return e.Outcome == record.Aborted }}
}

// NotAborted keeps the others.
func NotAborted() Filter {
	return Filter{"those that were not broken off", func(e record.Exchange) bool { return e.Outcome != record.Aborted }}
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
