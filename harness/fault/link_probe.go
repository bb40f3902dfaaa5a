package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/badgateway/badgateway/harness/wire"
)

// probed is what came back to a request by which a link was probed.
type probed struct {
	bytes int
	// pieces counts the reads that it took.
	pieces int
	// took is the time from the request to the last byte.
	took time.Duration
	// end is how it ended: io.EOF for a FIN, os.ErrDeadlineExceeded if it did not.
	end error
}

// answering is how long an answer may take where no fault is in the way.
const answering = 5 * time.Second

// ask asks a replica for its readiness, on a connection of its own and with a body of so many bytes, and reads until the
// connection ends or the time is over. An error means that nothing was asked, or that the run was interrupted.
func (s Site) ask(ctx context.Context, body int, within time.Duration) (probed, error) {
	dialer := net.Dialer{Timeout: within}
	conn, err := dialer.DialContext(ctx, "tcp", s.Dial)
	if err != nil {
		return probed{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(within)); err != nil {
		return probed{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	asked := time.Now()
	got := probed{}
	_, got.end = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: probe\r\n%s: %d\r\n\r\n", wire.ReadyPath, wire.Answer, body)
	buffer := make([]byte, 64<<10)
	for got.end == nil {
		var n int
		if n, got.end = conn.Read(buffer); n > 0 {
			got.bytes, got.pieces, got.took = got.bytes+n, got.pieces+1, time.Since(asked)
		}
	}
	return got, context.Cause(ctx)
}

// slower looks whether an answer with a body of so many bytes takes at least so long. Toxiproxy never takes less: it sleeps.
func slower(body int, least time.Duration) look {
	return func(ctx context.Context, at Site) (string, bool, error) {
		got, err := at.ask(ctx, body, least+answering)
		if err == nil {
			err = got.whole(body)
		}
		return got.String(), got.took >= least, err
	}
}

// whole reports whether all of an answer came whose body has so many bytes.
func (p probed) whole(body int) error {
	if p.bytes <= body || !errors.Is(p.end, io.EOF) {
		return fmt.Errorf("%s, then: %w", p, p.end)
	}
	return nil
}

func (p probed) String() string {
	if p.bytes == 0 {
		return "no answer came"
	}
	return fmt.Sprintf("an answer of %d bytes took %s", p.bytes, p.took.Round(time.Millisecond/10))
}
