package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
)

// LinkDown closes the link: new connections are refused, and those that are open are closed, in the middle of whatever they
// carry (catalogue B1). It is two faults at once, and the only way to a true refusal behind Toxiproxy, which otherwise
// accepts before it knows whether anybody is there. A connection is closed by a FIN, or by a reset if something had come
// that was not read yet. Source: Toxiproxy 2.12, proxy.go (stop).
type LinkDown struct{}

var _ Fault = LinkDown{}

func (f LinkDown) String() string { return "link down" }

// Validate finds nothing wrong.
func (f LinkDown) Validate() error { return nil }

// Acts on the link as a whole, see LinkBlackHole.
func (f LinkDown) Acts() Act { return onLink(wholeLink) }

// Inject closes the link, and proves that a connection is refused.
func (f LinkDown) Inject(ctx context.Context, at Site, _ Order) (Active, error) {
	disable := func(ctx context.Context) error { return at.Link.Disable(ctx) }
	enable := func(ctx context.Context) error { return at.Link.Enable(ctx) }
	return at.change(ctx, f, f.refused, disable, enable)
}

// refused looks whether a connection is refused. Through a published port of Docker it is accepted by Docker's own proxy
// instead, and ended.
func (f LinkDown) refused(ctx context.Context, at Site) (string, bool, error) {
	got, err := at.ask(ctx, 0, answering)
	ended := errors.Is(got.end, io.EOF) || errors.Is(got.end, syscall.ECONNRESET) || errors.Is(got.end, syscall.EPIPE)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "a connection was refused", true, nil
	case err == nil && got.bytes == 0 && ended:
		return "a connection was ended at once", true, nil
	case err == nil && got.bytes == 0:
		err = got.end
	}
	return fmt.Sprintf("a connection was accepted, and %s", got), false, err
}
