package load

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"time"

	"github.com/badgateway/badgateway/harness/wire"
)

// What the client does to its victims.

// errBrokenOff ends a trip that the client itself broke off.
var errBrokenOff = errors.New("broken off by the client")

// await waits for the first byte of an answer. It breaks off where a rule wants no more waiting.
func (t *trip) await(ctx context.Context) error {
	if t.rule.does(AbortWhileWaiting) && t.whole {
		came, err := t.peek(ctx, t.sentAt.Add(t.rule.After))
		if came || err != nil {
			return err
		}
		if wire.Look(t.tcp) == wire.Quiet && t.rule.touch(t.seen) { // else the gateway was first after all
			return errBrokenOff
		}
	}
	_, err := t.reader.Peek(1)
	return err
}

// sendPart sends the body as far as the rule wants it, and breaks off. It returns what is still to be sent if the gateway
// was first.
func (t *trip) sendPart(head, body []byte) (rest []byte, err error) {
	n := t.rule.behind(body)
	if n >= len(body) {
		return append(head, body...), nil
	}
	if t.write(append(head, body[:n]...)) && wire.Look(t.tcp) == wire.Quiet && t.rule.touch(t.seen) {
		return nil, errBrokenOff
	}
	return body[n:], nil
}

// upload is a body on its way that takes its time.
type upload struct {
	stop context.CancelFunc
	done chan struct{}
	size int

	// To be read when it is done:
	sent int
	err  error
}

// sendSlowly sends the body step by step, beside the wait for the answer.
func (t *trip) sendSlowly(ctx context.Context, body []byte) {
	ctx, cancel := context.WithCancel(ctx)
	u := &upload{stop: cancel, done: make(chan struct{}), size: len(body)}
	t.slow = u
	go func() {
		defer close(u.done)
		for u.sent < u.size && u.err == nil {
			step := body[u.sent:min(u.sent+t.rule.step(), u.size)]
			if u.err = t.pause(ctx, len(step)); u.err == nil {
				var n int
				n, u.err = t.tcp.Write(step)
				u.sent += n
			}
		}
	}()
}

// finish ends a slow upload: nobody waits for the rest of it.
func (t *trip) finish() {
	u := t.slow
	if u == nil {
		return
	}
	u.stop()
	_ = t.tcp.SetWriteDeadline(longAgo) // for one that the gateway does not take
	t.until = time.Time{}
	<-u.done
	t.whole = u.sent == u.size
	if !errors.Is(u.err, os.ErrDeadlineExceeded) { // which is how it was ended
		t.writeErr = u.err
	}
}

// readSlowly makes what is read from the connection come no faster than the rule wants it. A window that has been offered
// cannot be taken back: so much more comes at once.
func (t *trip) readSlowly(ctx context.Context) {
	t.spent = true
	if tcp, ok := t.tcp.(interface{ SetReadBuffer(bytes int) error }); ok { // in memory nothing is held back anyway
		_ = tcp.SetReadBuffer(t.rule.receiveBuffer()) // fails only on a closed connection, which reading will report
	}
	last := 0 // bytes, in the last read
	t.reader.Reset(source(func(p []byte) (int, error) {
		if last == 0 { // the beginning of the answer is to be seen when it comes
			n, err := t.Read(p[:1])
			if n > 0 {
				t.rule.touch(t.seen) // if it was lifted, no pause will take any time
			}
			last = n
			return n, err
		}
		if err := t.pause(ctx, last); err != nil {
			return 0, err
		}
		n, err := t.Read(p[:min(len(p), t.rule.step())])
		last = max(n, 1)
		return n, err
	}))
}

// inPart is the answer as far as the rule wants it read. Whoever reads on finds that the client has broken off.
func (t *trip) inPart() *bufio.Reader {
	left := max(t.rule.Byte, 1)
	return bufio.NewReader(source(func(p []byte) (int, error) {
		if left == 0 {
			if t.rule.touch(t.seen) {
				return 0, errBrokenOff
			}
			left = -1 // lifted: the rest is read as usual
		}
		if left > 0 {
			p = p[:min(len(p), left)]
		}
		n, err := t.reader.Read(p)
		if left > 0 {
			left -= n
		}
		return n, err
	}))
}

// source is an io.Reader that is a function.
type source func([]byte) (int, error)

func (s source) Read(p []byte) (int, error) { return s(p) }

// closeWrite closes the sending side behind the request.
func (t *trip) closeWrite() {
	if tcp, ok := t.tcp.(interface{ CloseWrite() error }); ok && t.whole && t.rule.touch(t.seen) {
		t.spent = true
		_ = tcp.CloseWrite() // how the connection is will be seen by reading
	}
}

// breakOff ends the connection as the gateway is to see it. A FIN stays a FIN only if nothing is left unread: what has come
// is thrown away, as far as it fits into a receive buffer.
func (t *trip) breakOff() {
	tcp, ok := t.tcp.(*net.TCPConn)
	switch {
	case !ok:
	case t.rule.By == RST:
		_ = tcp.SetLinger(0) // closing now resets
	default:
		_ = tcp.CloseWrite()
		const most = 8 << 20
		buffer := make([]byte, 64<<10)
		for n := 0; n < most && wire.Look(tcp) == wire.Readable; {
			read, err := tcp.Read(buffer)
			if err != nil {
				break
			}
			n += read
		}
	}
	_ = t.tcp.Close()
}

// pause waits as long as so many bytes are to take. It is an error if the request has no more time, or the context ends; when
// the rule is lifted there is nothing to wait for.
func (t *trip) pause(ctx context.Context, bytes int) error {
	takes, left := time.Duration(float64(bytes)/float64(t.rule.Rate)*float64(time.Second)), time.Until(t.deadline)
	timer := time.NewTimer(min(takes, left))
	defer timer.Stop()
	select {
	case <-timer.C:
		if takes < left {
			return nil
		}
	case <-t.rule.over:
		return nil
	case <-ctx.Done():
	}
	return os.ErrDeadlineExceeded
}

// peek waits for the next byte, until that instant or as long as the request may take, and leaves it unread. False without
// an error means that the instant passed.
func (t *trip) peek(ctx context.Context, until time.Time) (came bool, err error) {
	sooner := until.Before(t.deadline)
	if sooner {
		t.readUntil(ctx, until)
		defer t.readUntil(ctx, t.deadline)
	}
	_, err = t.reader.Peek(1)
	if sooner && errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
		return false, nil
	}
	return err == nil, err
}

// readUntil sets the deadline for reading, unless the end of the context has moved it to now, or does so meanwhile.
func (t *trip) readUntil(ctx context.Context, until time.Time) {
	_ = t.tcp.SetReadDeadline(until) // fails only on a closed connection, which reading will report
	t.until = time.Time{}
	if ctx.Err() != nil {
		_ = t.tcp.SetDeadline(longAgo)
	}
}

var longAgo = time.Unix(1, 0)
