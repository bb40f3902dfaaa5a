package fault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/badgateway/badgateway/fixtures/toxiproxy"
)

// LinkSlicer cuts what a backend sends to the gateway into small pieces, with a pause after each: heads and bodies that
// arrive in any number of reads (catalogue I16; Toxiproxy's slicer). It halves what it has until no half is larger than
// Size; where it cuts depends on how the backend's data reached it. Requests are left in one piece. Source: Toxiproxy 2.12,
// toxics/slicer.go.
//
// A gateway that gives up in the middle of an answer leaves a goroutine behind in Toxiproxy, which nobody takes the rest
// of the pieces from.
type LinkSlicer struct {
	// Size is the largest piece, in bytes, up to 4 KiB.
	Size int
	// Delay is the pause after each piece, in whole milliseconds from 1 to 20. Without one the kernel puts the pieces
	// together again. See DripResponse for what is slower.
	Delay time.Duration
}

var _ Fault = LinkSlicer{}

func (f LinkSlicer) String() string {
	return fmt.Sprintf("link slicer of %d bytes every %s", f.Size, f.Delay)
}

// The largest piece and the longest pause: the answer with which the fault is proved has no more than 400 KiB or 300 pieces.
const (
	maxSlice = 4 << 10
	maxPause = 20 * time.Millisecond
)

// Validate reports everything that is wrong with the fault.
func (f LinkSlicer) Validate() error {
	var problems []error
	if f.Size < 1 || f.Size > maxSlice {
		problems = append(problems, fmt.Errorf("%s: want pieces of 1 to %d bytes", f, maxSlice))
	}
	if f.Delay < time.Millisecond || f.Delay > maxPause || f.Delay%time.Millisecond != 0 {
		problems = append(problems, fmt.Errorf("%s: want a pause of whole milliseconds, up to %s", f, maxPause))
	}
	return errors.Join(problems...)
}

// Acts on the link. What delays and what limits it otherwise can be combined.
func (f LinkSlicer) Acts() Act { return onLink("link slicer") }

// Inject puts the toxic on the link, and proves that an answer takes as long as the pauses between its pieces.
func (f LinkSlicer) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.poison(ctx, f, as, f.sliced, toxiproxy.Toxic{
		Type: "slicer", Stream: toGateway,
		Attributes: map[string]int{"average_size": f.Size, "delay": int(f.Delay.Microseconds())},
	})
}

// sliced looks at an answer that is long enough for the pauses to be told from a busy machine.
func (f LinkSlicer) sliced(ctx context.Context, at Site) (string, bool, error) {
	const least = 100 * time.Millisecond
	pauses := int((least + f.Delay - 1) / f.Delay)
	body := pauses * f.Size // the head, which is more than nothing, makes one piece more
	got, err := at.ask(ctx, body, time.Duration(pauses)*f.Delay+answering)
	if err == nil {
		err = got.whole(body)
	}
	seen := fmt.Sprintf("%s, in %d pieces", got, got.pieces)
	return seen, got.took >= time.Duration(pauses)*f.Delay, err // the kernel may put pieces together for a slow reader
}
