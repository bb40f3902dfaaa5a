package expect

import (
	"fmt"
	"slices"
	"time"

	"github.com/badgateway/badgateway/harness/record"
)

// What the gateway did with requests, in the backends' eyes.

// AttemptsOver is the share of requests with more than n arrivals; none of them bounds the maximum.
func AttemptsOver(n int, during record.Phase) Share {
	return Share{
		metric: fmt.Sprintf("attempts over %d", n), phase: during,
		counts: func(e record.Exchange) bool { return e.Attempts() > n },
	}
}

// DuplicateExecutions is the share of requests whose work was done more than once.
func DuplicateExecutions(during record.Phase) Share {
	return Share{
		metric: "duplicate executions", phase: during,
		counts: func(e record.Exchange) bool { return e.Executions() > 1 },
	}
}

// RequestsTouched is the share of requests of which a fault touched at least one arrival; none of them means that the
// gateway gave the fault no chance.
func RequestsTouched(during record.Phase) Share {
	return Share{metric: "requests touched by the fault", phase: during, counts: record.Exchange.Touched}
}

// Miscounted is the share of requests on which the two sides of the gateway disagree: a backend had one whose client has no
// answer of it, or no backend had one whose client was served. None of them means that what is counted behind the gateway are
// the requests that it did not turn away, each of which was answered.
func Miscounted(during record.Phase) Share {
	return Share{metric: "miscounted", phase: during, counts: func(e record.Exchange) bool {
		served := e.Answered() || e.Outcome == record.Complete && e.Status < 400
		return served != (e.Attempts() > 0)
	}}
}

// RetriesToSame is the share of requests of which an attempt went to the replica of the attempt before.
func RetriesToSame(during record.Phase) Share {
	return retries("retries to the same replica", during, func(before, next record.Arrival) bool {
		return next.Backend == before.Backend
	})
}

// RetriesToOther is the share of requests of which an attempt went to another replica than the attempt before.
func RetriesToOther(during record.Phase) Share {
	return retries("retries to another replica", during, func(before, next record.Arrival) bool {
		return next.Backend != before.Backend
	})
}

// RetriesWithin is the share of requests of which an attempt came sooner than that after the one before; none of them
// means that the gateway backs off.
func RetriesWithin(gap time.Duration, during record.Phase) Share {
	return retries("retries within "+gap.String(), during, func(before, next record.Arrival) bool {
		return next.At-before.At < gap
	})
}

func retries(metric string, during record.Phase, is func(before, next record.Arrival) bool) Share {
	return Share{metric: metric, phase: during, counts: func(e record.Exchange) bool {
		for i := 1; i < len(e.Arrivals); i++ {
			if is(e.Arrivals[i-1], e.Arrivals[i]) {
				return true
			}
		}
		return false
	}}
}

// AlteredBodies is the share of requests of which an attempt was executed whose body was not the one that the client sent.
func AlteredBodies(during record.Phase) Share {
	return arrivals("altered bodies", during, func(a record.Arrival) bool { return a.Executed && !a.Intact })
}

// GhostWork is the share of requests whose work was done for nobody: the gateway gave up, and the backend went on.
func GhostWork(during record.Phase) Share {
	return arrivals("ghost work", during, func(a record.Arrival) bool { return a.Executed && a.Action == record.Abandoned })
}

// LostAnswers is the share of requests that ended without the answer that a backend gave in full: the gateway gave up, and
// kept the connection open, so that the backend could not notice that it worked for nobody.
func LostAnswers(during record.Phase) Share {
	return Share{metric: "lost answers", phase: during, counts: func(e record.Exchange) bool {
		whole := e.Outcome == record.Complete || e.Outcome == record.Aborted // by the client, which had begun to read it
		got := !e.Failed() && e.Outcome != record.Aborted || whole && e.Answered()
		return !got && slices.ContainsFunc(e.Arrivals, func(a record.Arrival) bool { return a.Action == record.Answered })
	}}
}

func arrivals(metric string, during record.Phase, is func(record.Arrival) bool) Share {
	return Share{metric: metric, phase: during, counts: func(e record.Exchange) bool {
		for _, a := range e.Arrivals {
			if is(a) {
				return true
			}
		}
		return false
	}}
}

// AttemptsPerRequest is the mean number of arrivals of a request: the amplification of the load.
func AttemptsPerRequest(during record.Phase) Mean {
	return Mean{
		share: Share{metric: "attempts per request", phase: during},
		of:    func(e record.Exchange) float64 { return float64(e.Attempts()) },
	}
}

// ConnectionsPerRequest is the mean number of connections that the gateway opened for a request: attempts that were the
// first on theirs.
func ConnectionsPerRequest(during record.Phase) Mean {
	return Mean{
		share: Share{metric: "connections per request", phase: during},
		of: func(e record.Exchange) float64 {
			opened := 0
			for _, a := range e.Arrivals {
				if a.Position == 1 {
					opened++
				}
			}
			return float64(opened)
		},
	}
}
