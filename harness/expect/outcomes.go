package expect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/badgateway/badgateway/harness/record"
)

// What became of requests, in the client's eyes.

// Failures is the share of requests that ended in a 5xx or in anything but a complete answer.
func Failures(during record.Phase) Share {
	return Share{metric: "failures", phase: during, counts: func(e record.Exchange) bool { return e.Failed() }}
}

// Status is the share of requests that were answered with that status.
func Status(code int, during record.Phase) Share {
	return Share{
		metric: fmt.Sprintf("status %d", code), phase: during,
		counts: func(e record.Exchange) bool { return e.Outcome == record.Complete && e.Status == code },
	}
}

// Unserved is the share of requests that did not get what they asked for: failures, and answers with a 4xx, by which a
// gateway under a limit turns requests away.
func Unserved(during record.Phase) Share {
	return Share{
		metric: "unserved", phase: during,
		counts: func(e record.Exchange) bool { return e.Failed() || e.Outcome == record.Complete && e.Status >= 400 },
	}
}

// ServerErrors is the share of requests that were answered with a 5xx: what a counter in the gateway sees of the failures.
func ServerErrors(during record.Phase) Share {
	return Share{
		metric: "5xx", phase: during,
		counts: func(e record.Exchange) bool { return e.Outcome == record.Complete && e.Status >= 500 },
	}
}

// Outcome is the share of requests with that outcome, e.g. record.Truncated.
func Outcome(kind record.Outcome, during record.Phase) Share {
	return Share{metric: "outcome " + string(kind), phase: during, counts: func(e record.Exchange) bool { return e.Outcome == kind }}
}

// FailuresBut is the share of requests that failed in any other way than with one of these statuses: none of them means
// that the status fits the cause, e.g. 502 or 503 when connections are refused, 504 when nothing is answered.
func FailuresBut(during record.Phase, statuses ...int) Share {
	words := make([]string, len(statuses))
	for i, code := range statuses {
		words[i] = strconv.Itoa(code)
	}
	return Share{
		metric: "failures but " + strings.Join(words, ", "), phase: during,
		counts: func(e record.Exchange) bool {
			return e.Failed() && (e.Outcome != record.Complete || !slices.Contains(statuses, e.Status))
		},
	}
}
