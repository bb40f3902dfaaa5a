package fault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/badgateway/badgateway/fixtures/toxiproxy"
)

// LinkLatency delays what a backend sends to the gateway, piece by piece and in order, on connections that are open too:
// a link that is long (Toxiproxy's latency).
//
// Requests are not delayed, nor is the opening of a connection. The end of a connection is delayed only by the data before
// it: the FIN of an idle connection arrives at once; StaleWindow holds it back. The delay counts from when the data reached
// Toxiproxy, so what another fault of the link, put there before, has taken by then is part of it. Toxiproxy draws the
// jitter for each piece, from no seed: the same run will not see it again. Source: Toxiproxy 2.12, toxics/latency.go.
type LinkLatency struct {
	// Latency and Jitter are whole milliseconds: the delay lies between Latency - Jitter and Latency + Jitter, and the
	// first is longer than zero and than an answer takes without the fault.
	Latency, Jitter time.Duration
}

var _ Fault = LinkLatency{}

func (f LinkLatency) String() string {
	s := "link latency of " + f.Latency.String()
	if f.Jitter > 0 {
		s += ", jitter " + f.Jitter.String()
	}
	return s
}

// Validate reports everything that is wrong with the fault.
func (f LinkLatency) Validate() error {
	var problems []error
	if f.Latency <= 0 || f.Latency%time.Millisecond != 0 {
		problems = append(problems, fmt.Errorf("%s: want whole milliseconds", f))
	}
	if f.Jitter < 0 || f.Jitter%time.Millisecond != 0 || f.Jitter > 0 && f.Jitter >= f.Latency {
		problems = append(problems, fmt.Errorf("%s: want a jitter of whole milliseconds, less than the latency", f))
	}
	return errors.Join(problems...)
}

// Acts on the link. What delays and what limits it otherwise can be combined.
func (f LinkLatency) Acts() Act { return onLink("link latency") }

// Inject puts the toxic on the link, and proves that an answer takes longer.
func (f LinkLatency) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.poison(ctx, f, as, slower(0, f.Latency-f.Jitter), toxiproxy.Toxic{
		Type: "latency", Stream: toGateway,
		Attributes: map[string]int{"latency": int(f.Latency.Milliseconds()), "jitter": int(f.Jitter.Milliseconds())},
	})
}
