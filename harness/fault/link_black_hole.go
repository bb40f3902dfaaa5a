package fault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/badgateway/badgateway/fixtures/toxiproxy"
)

// LinkBlackHole swallows all data in both directions, on connections that are open and on new ones: what is sent seems to
// arrive, and nothing comes back (catalogue D1; Toxiproxy's timeout). Neither side hears of the other any more, so that no
// request is executed, and an answer that is under way is lost too.
//
// Other than in a black hole of the network, connections can still be opened, TCP still acknowledges what is sent, and the
// end of a connection still reaches the other side; see DropConnects and ForgetConnections. When the fault is lifted,
// Toxiproxy closes every connection of the link, used or not: the gateway's pool gets a burst of FINs. Source:
// Toxiproxy 2.12, toxics/timeout.go.
type LinkBlackHole struct{}

var _ Fault = LinkBlackHole{}

func (f LinkBlackHole) String() string { return "link black hole" }

// Validate finds nothing wrong.
func (f LinkBlackHole) Validate() error { return nil }

// Acts on the link as a whole: while nothing comes through, nobody can tell whether it is a black hole or down. A link that
// is slow or thin besides stays so.
func (f LinkBlackHole) Acts() Act { return onLink(wholeLink) }

// wholeLink is what a fault holds that lets nothing through.
const wholeLink = "link"

// Inject puts the toxics on the link, and proves that a request is not answered in a time in which it was answered before.
// They come off in the reverse order: the gateway's side is closed while what it sends is still swallowed.
func (f LinkBlackHole) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	forEver := map[string]int{"timeout": 0}
	return at.poison(ctx, f, as, unanswered(),
		toxiproxy.Toxic{Type: "timeout", Stream: toBackend, Attributes: forEver},
		toxiproxy.Toxic{Type: "timeout", Stream: toGateway, Attributes: forEver})
}

// unanswered looks whether a request is left without an answer on a connection that stays open. How long that must last it
// knows from the look before: the link may be slow.
func unanswered() look {
	within := answering
	return func(ctx context.Context, at Site) (string, bool, error) {
		got, err := at.ask(ctx, 0, within)
		if got.bytes == 0 && errors.Is(got.end, os.ErrDeadlineExceeded) {
			return fmt.Sprintf("a request was not answered for %s", within), true, err
		}
		within = (silence + 2*got.took).Round(100 * time.Millisecond)
		return fmt.Sprintf("%s, then: %v", got, got.end), false, err
	}
}
