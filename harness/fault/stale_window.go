package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/badgateway/badgateway/fixtures/toxiproxy"
	"github.com/badgateway/badgateway/harness/record"
)

// StaleWindow is an idle timeout of the backend whose FIN reaches the gateway late: Toxiproxy's slow_close holds it back.
// In between, the gateway's pool holds a connection that is already dead and cannot be told from a live one; a request
// on it is written without an error, is never answered, and ends with the delayed FIN. It makes the real race as wide
// as Held.
//
// Connections already pooled when the fault is applied are closed once they have been unused for After. Toxiproxy turns
// the backend's reset of a late request into a FIN, and lets go of everything it holds back when the fault is lifted.
// Source: Toxiproxy 2.12, toxics/slow_close.go, link.go.
type StaleWindow struct {
	// After is the backend's idle timeout; Held is how long the FIN is held back, in whole milliseconds.
	After, Held time.Duration
}

var _ Fault = StaleWindow{}

func (f StaleWindow) String() string {
	return fmt.Sprintf("stale window of %s after %s idle", f.Held, f.After)
}

// Validate reports everything that is wrong with the fault.
func (f StaleWindow) Validate() error {
	err := f.idle().Validate()
	if f.Held < time.Millisecond || f.Held%time.Millisecond != 0 {
		err = errors.Join(err, fmt.Errorf("%s: want the FIN held back for whole milliseconds", f))
	}
	return err
}

// Acts on unused connections, whose link leads through Toxiproxy.
func (f StaleWindow) Acts() Act {
	return Act{On: Replica, Holds: onIdle.Holds, Chooses: onIdle.Chooses, Needs: []Need{Link}}
}

func (f StaleWindow) idle() IdleTimeout { return IdleTimeout{After: f.After, By: FIN} }

// slowClose names the toxic on its link.
const slowClose = "stale-window"

// Inject puts the toxic on the link, proves by a connection of its own that it holds a FIN back, and then lets the
// backend close idle connections.
func (f StaleWindow) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	if at.Link == nil {
		return nil, fmt.Errorf("%s: the link to %s does not lead through Toxiproxy", f, at.Replica)
	}
	window := staleWindow{idle: scripted{at.Backend, as.ID}, link: at.Link}
	err := at.Link.Add(ctx, toxiproxy.Toxic{
		Name: slowClose, Type: "slow_close", Stream: "downstream",
		Attributes: map[string]int{"delay": int(f.Held.Milliseconds())},
	})
	if err != nil {
		return undone(ctx, window, err)
	}
	held, err := f.probe(ctx, at.Dial)
	if err != nil {
		return undone(ctx, window, fmt.Errorf("%s: probe of the link to %s: %w", f, at.Replica, err))
	}
	window.proof = fmt.Sprintf("the link held a FIN back for %s", held)
	if _, err := f.idle().Inject(ctx, at, as); err != nil {
		return undone(ctx, window, err)
	}
	return window, nil
}

// mostProbes bounds how often a link is probed that seems to hold nothing back.
const mostProbes = 5

// probe measures how long after an answer the FIN comes on a connection that the backend closes at once. On a busy machine the
// answer may have lain here for so long before it was read that the FIN seems to follow it, as it does where answers are late and
// nobody holds it back; so it is asked again.
func (f StaleWindow) probe(ctx context.Context, address string) (time.Duration, error) {
	var held time.Duration
	for range mostProbes {
		behind, total, err := f.ask(ctx, address)
		if err != nil {
			return 0, err
		}
		if held = behind; total < f.Held*9/10 { // both come at once
			break
		}
		if held >= f.Held/2 {
			return held, nil
		}
	}
	return 0, fmt.Errorf("the FIN came after %s, want %s", held, f.Held)
}

// ask asks the backend, through the link, for an answer on a connection that it then closes, and measures how long after the answer
// and after the question the FIN comes. The toxic must already hold it back.
func (f StaleWindow) ask(ctx context.Context, address string) (held, total time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, f.Held+5*time.Second)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return 0, 0, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	asked := time.Now()
	if _, err := io.WriteString(conn, "GET /__ready HTTP/1.1\r\nHost: probe\r\n\r\n"); err != nil {
		return 0, 0, err
	}
	buffer := make([]byte, 4096)
	answered := time.Time{}
	for {
		_, err := conn.Read(buffer)
		switch now := time.Now(); {
		case err == nil:
			answered = now
		case errors.Is(err, io.EOF) && !answered.IsZero():
			return now.Sub(answered).Round(time.Millisecond), now.Sub(asked), nil
		default:
			return 0, 0, err
		}
	}
}

type staleWindow struct {
	idle  scripted
	link  Toxics
	proof string
}

// Lift stops the closing first: a connection closed without the toxic would be another fault.
func (s staleWindow) Lift(ctx context.Context) error {
	return errors.Join(s.idle.Lift(ctx), s.link.Remove(ctx, slowClose))
}

func (s staleWindow) Receipt(ctx context.Context) (record.Receipt, error) {
	receipt, err := s.idle.Receipt(ctx)
	receipt.Probe = s.proof
	return receipt, err
}
