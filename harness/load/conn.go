package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
)

// conn is one connection to the gateway. It carries one request at a time.
type conn struct {
	tcp      net.Conn
	reader   *bufio.Reader
	number   int
	position int
}

func newConn(tcp net.Conn, number int) *conn {
	return &conn{tcp: tcp, reader: bufio.NewReader(tcp), number: number}
}

// alive reports whether an idle connection can carry another request: the gateway has neither closed it nor sent anything
// unasked. Any client that keeps connections looks before it writes; a close that is still under way is not seen.
func (c *conn) alive() bool {
	if c.reader.Buffered() > 0 {
		return false
	}
	raw, ok := c.tcp.(syscall.Conn)
	if !ok {
		return true
	}
	control, err := raw.SyscallConn()
	if err != nil || c.tcp.SetDeadline(time.Time{}) != nil { // that of the last request may have passed
		return false
	}
	quiet := false
	err = control.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && quiet
}

// exchange sends one request and reads its answer into seen; it reports whether the connection can be used again.
func (c *conn) exchange(
	ctx context.Context, r *run, p Planned, seen *record.Request, deadline time.Time, runEnds bool,
) (reusable bool) {
	c.position++
	seen.Connection, seen.Position = c.number, c.position
	if err := c.tcp.SetDeadline(deadline); err != nil {
		seen.Outcome, seen.Detail = record.Closed, err.Error()
		return false
	}
	// The context breaks the exchange off by moving its deadline to now.
	stop := context.AfterFunc(ctx, func() { _ = c.tcp.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	seen.Sent = r.Clock.Now()
	// A failed write is not yet an outcome: a gateway may have answered and closed without reading the body, and the
	// answer, or the way the connection ended, is still to be read.
	_, writeErr := c.tcp.Write(encode(p, r.Address, r.load.Connections))
	head, err := c.readHead(r, seen)
	if err == nil {
		seen.Status = head.Status()
		seen.Backend = head.Get(wire.Backend)
		reusable, err = c.readBody(head, p, seen)
	}
	if err != nil {
		seen.Outcome, seen.Detail = classify(err, seen.FirstByte != 0, runEnds || ctx.Err() != nil), err.Error()
		if writeErr != nil {
			seen.Detail += "; " + writeErr.Error()
		}
		return false
	}
	return reusable && writeErr == nil && r.load.Connections == KeepAlive
}

// readHead reads the final head of the answer; interim ones are passed over.
func (c *conn) readHead(r *run, seen *record.Request) (*wire.Head, error) {
	if _, err := c.reader.Peek(1); err != nil {
		return nil, err
	}
	seen.FirstByte = r.Clock.Now()
	for {
		head, err := wire.ReadResponseHead(c.reader)
		if err != nil || head.Status() >= 200 || head.Status() == 101 {
			return head, err
		}
	}
}

// readBody reads the body to its end and compares it with the marks of the backend that sent it.
func (c *conn) readBody(head *wire.Head, p Planned, seen *record.Request) (reusable bool, err error) {
	body, err := wire.ReadResponseBody(c.reader, head, p.Method)
	seen.Received = body.Size
	if err != nil {
		return false, err
	}
	seen.Outcome = record.Complete
	id := head.Get(wire.ID)
	marked, short, same := body.Matches(head)
	switch {
	case id != "" && id != p.ID:
		seen.Outcome, seen.Detail = record.Crossed, "answer to request "+id
	case !marked || p.Method == "HEAD":
	case short:
		seen.Outcome = record.Truncated
		seen.Detail = fmt.Sprintf("ended cleanly after %d of %s bytes", body.Size, head.Get(wire.Length))
	case !same:
		seen.Outcome, seen.Detail = record.Corrupt, fmt.Sprintf("%d bytes with checksum %s, want %s bytes with %s",
			body.Size, wire.FormatSum(body.Sum), head.Get(wire.Length), head.Get(wire.Checksum))
	}
	persistent := head.Start[0] == "HTTP/1.1" || head.Has("Connection", "keep-alive")
	switched := head.Status() == 101 // whatever comes next on it is not HTTP/1
	return persistent && !switched && !head.Has("Connection", "close") && !body.UntilClose, nil
}

// encode writes the request as it goes over the wire.
func encode(p Planned, host string, connections Connections) []byte {
	version, keep := "HTTP/1.1", ""
	switch connections {
	case PerRequest:
		keep = "Connection: close\r\n"
	case PerRequestHTTP10:
		version = "HTTP/1.0"
	case KeepAlive:
	}
	var b strings.Builder
	b.WriteString(p.Method + " " + p.Path + " " + version + "\r\nHost: " + host + "\r\n" + keep)
	b.WriteString(wire.ID + ": " + p.ID + "\r\n" + wire.Answer + ": " + strconv.Itoa(p.Answer))
	if p.Chunked {
		b.WriteString(wire.Chunked)
	}
	b.WriteString("\r\n")
	body := wire.Payload("client", p.ID, p.Body)
	sum := wire.Sum(body)
	if p.Chunked && p.Body > 0 && connections != PerRequestHTTP10 {
		b.WriteString("Transfer-Encoding: chunked\r\n")
		body = wire.Chunk(body)
	} else if p.Body > 0 || p.Method == "POST" || p.Method == "PUT" || p.Method == "PATCH" {
		b.WriteString("Content-Length: " + strconv.Itoa(p.Body) + "\r\n")
	}
	b.WriteString(wire.Length + ": " + strconv.Itoa(p.Body) + "\r\n" + wire.Checksum + ": " + sum + "\r\n\r\n")
	b.Write(body)
	return []byte(b.String())
}

// classify turns the error that ended an exchange into its outcome. began says that the answer's first byte had come.
func classify(err error, began, runEnds bool) record.Outcome {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		if runEnds {
			return record.Hung
		}
		return record.TimedOut
	case errors.Is(err, wire.ErrMalformed):
		return record.Malformed
	case began:
		return record.Truncated
	case errors.Is(err, io.EOF):
		return record.Closed
	default:
		return record.Reset
	}
}

// refusal is the outcome of a connection that could not be opened.
func refusal(err error, runEnds bool) record.Outcome {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded) {
		return classify(os.ErrDeadlineExceeded, false, runEnds)
	}
	return record.Refused
}
