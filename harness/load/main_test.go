package load

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for an event. It is never waited out unless the event does not come.
const patience = 20 * time.Second

// gateway is the other side of the client: a raw server that writes exactly what its script says and repairs nothing.
type gateway struct {
	address string
	serving sync.WaitGroup

	mu    sync.Mutex
	conns []*peer
	ids   []string // of the requests, in the order in which they came
	ended bool
}

// peer is the gateway's end of one connection.
type peer struct {
	gateway *gateway
	tcp     *net.TCPConn
	in      *bufio.Reader
	bytes   bytes.Buffer // all that the client has sent so far
	number  int
}

// serve runs the script for each connection until the test ends. When the script returns, the connection is closed.
func serve(t *testing.T, script func(*peer)) *gateway {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := &gateway{address: listener.Addr().String()}
	g.serving.Go(func() {
		for {
			accepted, err := listener.Accept()
			if err != nil {
				return
			}
			g.accept(accepted.(*net.TCPConn), script)
		}
	})
	t.Cleanup(func() {
		assert.NoError(t, listener.Close())
		g.mu.Lock()
		g.ended = true
		for _, p := range g.conns {
			_ = p.tcp.Close()
		}
		g.mu.Unlock()
		g.serving.Wait()
	})
	return g
}

func (g *gateway) accept(tcp *net.TCPConn, script func(*peer)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := &peer{gateway: g, tcp: tcp, number: len(g.conns) + 1}
	p.in = bufio.NewReader(io.TeeReader(tcp, &p.bytes))
	g.conns = append(g.conns, p)
	if g.ended {
		_ = tcp.Close()
		return
	}
	g.serving.Go(func() {
		defer tcp.Close()
		script(p)
	})
}

// came lists the ids of the requests that came, in that order.
func (g *gateway) came() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string{}, g.ids...)
}

// question is a request as it came.
type question struct {
	*wire.Head
	wire.Body
}

func (q question) id() string { return q.Get(wire.ID) }

// request reads the next request; false when there is none.
func (p *peer) request() (q question, ok bool) {
	var err error
	if q.Head, err = wire.ReadRequestHead(p.in); err != nil {
		return q, false
	}
	p.gateway.mu.Lock()
	p.gateway.ids = append(p.gateway.ids, q.id())
	p.gateway.mu.Unlock()
	q.Body, err = wire.ReadRequestBody(p.in, q.Head)
	return q, err == nil
}

func (p *peer) write(text string) { _, _ = io.WriteString(p.tcp, text) }

// reset ends the connection with a RST.
func (p *peer) reset() {
	_ = p.tcp.SetLinger(0)
	_ = p.tcp.Close()
}

// hold waits until the client ends the connection.
func (p *peer) hold() { _, _ = io.Copy(io.Discard, p.in) }

// head is the head of an answer.
func head(status string, lines ...string) string {
	return "HTTP/1.1 " + status + "\r\n" + strings.Join(append(lines, "", ""), "\r\n")
}

// marks are the lines by which a backend says whose answer this is, and how long.
func marks(id, body string) []string {
	return []string{
		wire.ID + ": " + id, wire.Backend + ": orders-1",
		wire.Length + ": " + strconv.Itoa(len(body)), wire.Checksum + ": " + wire.Sum([]byte(body)),
	}
}

func framed(body string) string { return "Content-Length: " + strconv.Itoa(len(body)) }

// whole is the whole answer of a backend to a request.
func whole(id string) string {
	body := "hello " + id
	return head("200 OK", append(marks(id, body), framed(body))...) + body
}

// answerAll answers every request on the connection as a backend does.
func answerAll(p *peer) {
	for {
		q, ok := p.request()
		if !ok {
			return
		}
		p.write(whole(q.id()))
	}
}

// single is a load of one request.
func single(request Request) Constant {
	return Constant{Rate: 1000, For: time.Millisecond, Request: request}
}

func clientTo(address string) Client {
	var dialer net.Dialer
	return Client{
		Address: address, Dial: dialer.DialContext, Clock: record.StartClock(), Patience: patience,
		Began: func(time.Duration) {},
		Seen:  func(record.Request) {},
	}
}

// send sends the whole load and returns what the client saw, in the order in which it ended.
func send(ctx context.Context, c Client, load Load) ([]record.Request, error) {
	var all []record.Request
	c.Seen = func(seen record.Request) { all = append(all, seen) }
	err := c.Run(ctx, load, 1)
	return all, err
}

// stepwise sends requests one by one, each when the one before it has ended, so that a test knows which connections are
// idle.
type stepwise struct {
	*line
	idle    *pool
	sent    int
	results chan record.Request
}

func step(t *testing.T, address string, connections Connections) *stepwise {
	t.Helper()
	r := &run{Client: clientTo(address)}
	s := &stepwise{line: r.line(stream{connections: connections}), idle: &pool{run: r}, results: make(chan record.Request, 1)}
	r.Seen = func(seen record.Request) { s.results <- seen }
	t.Cleanup(s.idle.close)
	return s
}

// next sends a request with the id r-1, r-2, ...
func (s *stepwise) next(t *testing.T, request Request) record.Request {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	defer context.AfterFunc(ctx, s.breakOff)()
	s.sent++
	p := Planned{Request: request, ID: "r-" + strconv.Itoa(s.sent)}
	s.send(ctx, &p, s.Script.turn(&p), s.Clock.Now(), s.idle)
	return <-s.results
}

// place is the connection and the position on it, e.g. "2/1".
func place(r record.Request) string {
	return strconv.Itoa(r.Connection) + "/" + strconv.Itoa(r.Position)
}
