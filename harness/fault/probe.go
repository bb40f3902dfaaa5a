package fault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/badgateway/badgateway/harness/wire"
)

// silence is how long nothing must come until a probe calls it silence: far more than an answer takes, far less than the
// second after which the opening of a connection is repeated.
const silence = 300 * time.Millisecond

// heard is what a probe came to.
type heard struct {
	words    string
	opened   bool // a connection came about
	answered bool
	status   int
	silent   bool // nothing came of it until the time was over
}

// listen asks an address once for its readiness, and tells what comes of it.
func listen(ctx context.Context, address string) (heard, error) {
	began := time.Now()
	asking, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	var h heard
	var err error
	h.status, h.opened, err = wire.AskAt(asking, address, wire.ReadyPath)
	late := timedOut(err)
	switch {
	case ctx.Err() != nil:
		return h, context.Cause(ctx)
	case err == nil:
		h.answered, h.words = true, fmt.Sprintf("it was answered with status %d", h.status)
	case late && time.Since(began) < silence: // a silence that was broken off proves nothing
		return h, context.DeadlineExceeded
	case late:
		h.silent, h.words = true, fmt.Sprintf("a connection was not opened within %s", silence)
		if h.opened {
			h.words = fmt.Sprintf("a connection was opened, and nothing came within %s", silence)
		}
	case h.opened:
		h.words = "a connection was opened and ended without an answer"
	case errors.Is(err, syscall.ECONNREFUSED):
		h.words = "a connection was refused"
	default:
		h.words = "a connection failed: " + err.Error()
	}
	return h, nil
}

func timedOut(err error) bool {
	timeout, is := errors.AsType[net.Error](err)
	return is && timeout.Timeout()
}

// deserted proves that nobody answers at the replica's address.
func (s Site) deserted(ctx context.Context) (string, error) {
	return prove(ctx, s.Dial, "somebody answers", func(h heard) bool { return !h.answered })
}

// frozen proves that connections to the replica's address are opened and not answered.
func (s Site) frozen(ctx context.Context) (string, error) {
	return prove(ctx, s.Dial, "nobody holds connections open", func(h heard) bool { return h.opened && h.silent })
}

// opens proves that somebody accepts connections at an address, and asks nothing there.
func opens(ctx context.Context, address string) error {
	dialer := net.Dialer{Timeout: silence}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func prove(ctx context.Context, address, otherwise string, as func(heard) bool) (string, error) {
	h, err := listen(ctx, address)
	if err != nil {
		return "", err
	}
	if !as(h) {
		return "", fmt.Errorf("%s at %s: %s", otherwise, address, h.words)
	}
	return h.words, nil
}
