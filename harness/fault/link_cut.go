package fault

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/badgateway/badgateway/fixtures/toxiproxy"
)

// LinkCut ends a connection, by a FIN, when the backend has sent so many bytes to the gateway on it: an answer is cut at
// an exact byte, wherever that lies (catalogue C3, C4; Toxiproxy's limit_data). All answers on a connection count together,
// those from before the fault do not. The backend learns of it when the gateway closes in return; the work has been done.
// Source: Toxiproxy 2.12, toxics/limit_data.go.
type LinkCut struct {
	// After is how many bytes the connection carries: 1 to 16 MiB.
	After int
}

var _ Fault = LinkCut{}

func (f LinkCut) String() string { return fmt.Sprintf("link cut after %d bytes", f.After) }

// maxCut bounds the answer by which the fault is proved.
const maxCut = 16 << 20

// Validate reports everything that is wrong with the fault.
func (f LinkCut) Validate() error {
	if f.After < 1 || f.After > maxCut {
		return fmt.Errorf("%s: want 1 to %d", f, maxCut)
	}
	return nil
}

// Acts on the link. What delays and what limits it otherwise can be combined.
func (f LinkCut) Acts() Act { return onLink("link cut") }

// Inject puts the toxic on the link, and proves that an answer ends at that byte.
func (f LinkCut) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.poison(ctx, f, as, f.cut, toxiproxy.Toxic{
		Type: "limit_data", Stream: toGateway, Attributes: map[string]int{"bytes": f.After},
	})
}

// cut looks at an answer that is longer than what comes through.
func (f LinkCut) cut(ctx context.Context, at Site) (string, bool, error) {
	got, err := at.ask(ctx, f.After, answering)
	if err == nil && !errors.Is(got.end, io.EOF) {
		err = fmt.Errorf("%s, then: %w", got, got.end)
	}
	return fmt.Sprintf("an answer ended after %d bytes", got.bytes), got.bytes == f.After, err
}
