package reports

import (
	"fmt"
	"strings"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

// Message is what a person reads when a promise was not kept: the promise, the numbers, the first witness, what the
// fault touched, and how to see it again.
func Message(r Result, v expect.Verdict) string {
	var b strings.Builder
	say := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "\n    %-14s %s", label+":", fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "%s: %s", strings.ToUpper(v.Ruling.String()), v.Promise)
	if v.Reason != "" {
		say("because", "%s", v.Reason)
	}
	if len(v.Outcomes) > 0 {
		say("outcomes", "%s", Outcomes(v.Outcomes))
	}
	if v.Witness != nil {
		say("first witness", "%s", Witness(*v.Witness))
	}
	for _, receipt := range r.Summary.Receipts {
		say("receipt", "%s", receipt)
	}
	if r.Dir != "" {
		say("facts", "%s", r.Dir)
	}
	if r.Replay != "" {
		say("judge again", "%s", r.Replay)
	}
	return b.String()
}

// Witness tells the joined story of one exchange.
func Witness(x record.Exchange) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s, request %s at %.3f s: %s", x.Method, x.Path, x.ID, x.Sent.Seconds(), x.Label())
	if x.Detail != "" {
		fmt.Fprintf(&b, " (%s)", x.Detail)
	}
	fmt.Fprintf(&b, " after %.1f ms and %s", float64((x.Done-x.Sent).Microseconds())/1000, count(x.Attempts(), "attempt"))
	for i, a := range x.Arrivals {
		separator := ", "
		if i == 0 {
			separator = ": "
		}
		fmt.Fprintf(&b, "%s%s connection %d request %d %s", separator, a.Backend, a.Connection, a.Position, a.Action)
	}
	return b.String()
}
