package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/badgateway/badgateway/fixtures/toxiproxy"
)

// LinkBandwidth limits how fast a backend's answers reach the gateway: a link that is thin (Toxiproxy's bandwidth). The
// limit is one of each connection, and what is sent meanwhile waits in the buffers before it. Requests are not slowed
// down. Source: Toxiproxy 2.12, toxics/bandwidth.go.
type LinkBandwidth struct {
	// KBps is how many thousand bytes a second each connection carries.
	KBps int
}

var _ Fault = LinkBandwidth{}

func (f LinkBandwidth) String() string { return fmt.Sprintf("link bandwidth of %d KB/s", f.KBps) }

// maxKBps keeps the answer by which the fault is proved at a megabyte: what is faster than that is no limit here.
const maxKBps = 10_000

// Validate reports everything that is wrong with the fault. Without a rate nothing would come: LinkBlackHole does that.
func (f LinkBandwidth) Validate() error {
	if f.KBps < 1 || f.KBps > maxKBps {
		return fmt.Errorf("%s: want 1 to %d KB/s", f, maxKBps)
	}
	return nil
}

// Acts on the link. What delays and what limits it otherwise can be combined.
func (f LinkBandwidth) Acts() Act { return onLink("link bandwidth") }

// Inject puts the toxic on the link, and proves that an answer takes as long as it must at that rate.
func (f LinkBandwidth) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	const least = 100 * time.Millisecond
	body := f.KBps * int(least/time.Millisecond) // a thousand bytes a second are one a millisecond
	return at.poison(ctx, f, as, slower(body, least), toxiproxy.Toxic{
		Type: "bandwidth", Stream: toGateway, Attributes: map[string]int{"rate": f.KBps},
	})
}
