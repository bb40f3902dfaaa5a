package load

import (
	"bufio"
	"context"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
)

// conn is one connection to the gateway. It carries one request at a time.
type conn struct {
	tcp      net.Conn
	clock    record.Clock
	reader   *bufio.Reader
	watch    *wire.Watch
	number   int
	position int
	opened   time.Duration
	// read is when bytes came last.
	read time.Duration
	// until is the deadline that the connection has; zero if that is not known.
	until time.Time

	// What is used again for each request:
	trip    trip
	seen    record.Request
	message []byte
	head    wire.Head
	backend string
}

func newConn(tcp net.Conn, clock record.Clock, number int, opened time.Duration) *conn {
	c := &conn{tcp: tcp, clock: clock, watch: wire.NewWatch(tcp), number: number, opened: opened}
	c.reader = bufio.NewReader(c)
	return c
}

// begin begins a request on the connection, in the place of the one before.
func (c *conn) begin(l *line, p *Planned, seen record.Request, rule *scripted, deadline time.Time) {
	c.position++
	c.seen = seen // on the connection, where it can be used again
	c.seen.Connection, c.seen.Position = c.number, c.position
	c.trip = trip{conn: c, line: l, request: p, seen: &c.seen, rule: rule, deadline: deadline}
}

// Read reads from the connection and keeps when that was.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.tcp.Read(p)
	if n > 0 {
		c.read = c.clock.Now()
	}
	return n, err
}

// lastByte is when bytes of the answer came last, if it began at all.
func (c *conn) lastByte(first time.Duration) time.Duration {
	if first == 0 {
		return 0
	}
	return c.read
}

// alive reports whether an idle connection can carry another request: the gateway has neither closed it nor sent anything
// unasked. Any client that keeps connections looks before it writes; a close that is still under way is not seen, nor is
// one when the answer before has only just come.
func (c *conn) alive(now time.Duration) bool {
	return c.reader.Buffered() == 0 && (now-c.read < inUse || c.watch.Look() == wire.Quiet)
}

// inUse is how long a connection counts as used after its last byte: a look then would cost a twentieth of all that a busy
// client can send, and would see what came within less than a round trip.
const inUse = 50 * time.Microsecond

// setDeadline sets the deadline for reading and writing, unless it is that already.
func (c *conn) setDeadline(ctx context.Context, deadline time.Time) error {
	if c.until.Equal(deadline) {
		return nil
	}
	if err := c.tcp.SetDeadline(deadline); err != nil {
		return err
	}
	c.until = deadline
	if ctx.Err() != nil { // which may have been before the deadline was set
		c.breakOff()
	}
	return nil
}

// breakOff ends whatever waits for the connection, now and later.
func (c *conn) breakOff() { _ = c.tcp.SetDeadline(longAgo) }

// answeredBy is the name of a backend, kept without the head that it came in.
func (c *conn) answeredBy(name string) string {
	if c.backend != name {
		c.backend = strings.Clone(name)
	}
	return c.backend
}

// expects reports whether the request asks for a 100 Continue before its body, which HTTP/1.0 does not know.
func (r Request) expects(connections Connections) bool {
	return r.ExpectContinue && connections.way != perRequestHTTP10
}

// encode writes the head and the body of the request as they go over the wire. The head is good until the next request.
func (c *conn) encode(p *Planned, host string, connections Connections) (head, body []byte) {
	version, keep := " HTTP/1.1\r\nHost: ", "\r\n"
	switch connections.way {
	case perRequest:
		keep = "\r\nConnection: close\r\n"
	case perRequestHTTP10:
		version = " HTTP/1.0\r\nHost: "
	}
	b := c.message[:0]
	b = add(b, p.Method, " ", p.Path, version, host, keep, wire.ID, ": ", p.ID)
	if p.Answer > 0 || p.Chunked {
		b = strconv.AppendInt(add(b, "\r\n", wire.Answer, ": "), int64(p.Answer), 10)
	}
	if p.Chunked {
		b = add(b, wire.Chunked)
	}
	if p.Takes > 0 {
		b = strconv.AppendInt(add(b, "\r\n", wire.Takes, ": "), p.Takes.Milliseconds(), 10)
	}
	b = add(b, "\r\n")
	sum := uint32(0)
	if p.Body > 0 {
		body = wire.Payload("client", p.ID, p.Body)
		sum = wire.Checksum32(body)
	}
	if p.Chunked && p.Body > 0 && connections.way != perRequestHTTP10 {
		b = add(b, "Transfer-Encoding: chunked\r\n")
		body = wire.Chunk(body)
	} else if p.Body > 0 || p.Method == "POST" || p.Method == "PUT" || p.Method == "PATCH" {
		b = strconv.AppendInt(add(b, "Content-Length: "), int64(p.Body), 10)
		b = add(b, "\r\n")
	}
	if p.IdempotencyKey {
		b = add(b, "Idempotency-Key: ", p.ID, "\r\n")
	}
	for _, line := range p.Header {
		b = add(b, line, "\r\n")
	}
	if p.expects(connections) {
		b = add(b, "Expect: 100-continue\r\n")
	}
	if p.Body > 0 { // without a body there is nothing to mark: whatever comes as one was added on the way
		b = strconv.AppendInt(add(b, wire.Length, ": "), int64(p.Body), 10)
		b = add(wire.AppendSum(add(b, "\r\n", wire.Checksum, ": "), sum), "\r\n")
	}
	c.message = add(b, "\r\n")
	return c.message, body
}

// add puts texts behind what is there.
func add(to []byte, texts ...string) []byte {
	for _, text := range texts {
		to = append(to, text...)
	}
	return to
}
