package load

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
)

// answer is one way in which a gateway can answer a request, and what became of the request.
type answer struct {
	name    string
	request Request // GET /orders unless said
	timeout time.Duration
	waits   time.Duration // the client's patience; long unless said
	rule    Rule          // what the client does to it; nothing unless said
	answer  func(p *peer, id string)

	outcome  record.Outcome
	status   int
	backend  string
	received int64
	began    bool   // a first byte of an answer came
	detail   string // a part of the detail; none when empty
}

// greeting is the size of the body that whole answers with, which has the request's id in it.
const greeting = -1

func (a answer) check(t *testing.T, r record.Request) {
	t.Helper()
	assert.Equal(t, a.outcome, r.Outcome, r.Detail)
	assert.Equal(t, a.status, r.Status)
	assert.Equal(t, a.backend, r.Backend)
	received := a.received
	if received == greeting {
		received = int64(len("hello " + r.ID))
	}
	assert.Equal(t, received, r.Received)
	if a.detail == "" {
		assert.Empty(t, r.Detail)
	}
	assert.Contains(t, r.Detail, a.detail)
	assertOrder(t, r, a.began)
}

// answers are all of them.
var answers = []answer{
	{
		name: "complete", answer: func(p *peer, id string) { p.write(whole(id)) },
		outcome: record.Complete, status: 200, backend: "orders-1", received: greeting, began: true,
	},
	{
		name: "complete, in chunks", answer: func(p *peer, id string) {
			p.write(head("200 OK", append(marks(id, "hello"), "Transfer-Encoding: chunked")...) + "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")
		},
		outcome: record.Complete, status: 200, backend: "orders-1", received: 5, began: true,
	},
	{
		name: "complete, until close", answer: func(p *peer, id string) { p.write(head("200 OK", marks(id, "hello")...) + "hello") },
		outcome: record.Complete, status: 200, backend: "orders-1", received: 5, began: true,
	},
	{
		name: "the gateway's own 502", answer: func(p *peer, _ string) { p.write(head("502 Bad Gateway", framed("sorry")) + "sorry") },
		outcome: record.Complete, status: 502, received: 5, began: true,
	},
	{
		name: "not found is an answer", answer: func(p *peer, _ string) { p.write(head("404 Not Found", framed(""))) },
		outcome: record.Complete, status: 404, began: true,
	},
	{
		name: "interim answers are passed over", answer: func(p *peer, id string) {
			p.write(head("103 Early Hints", "Link: </a>") + head("100 Continue") + whole(id))
		},
		outcome: record.Complete, status: 200, backend: "orders-1", received: greeting, began: true,
	},
	{
		name: "HEAD", request: Request{Method: "HEAD", Path: "/orders", Answer: 128},
		answer:  func(p *peer, id string) { p.write(head("200 OK", append(marks(id, "hello"), framed("hello"))...)) },
		outcome: record.Complete, status: 200, backend: "orders-1", began: true,
	},
	{
		name: "answered before the body was read", request: Request{Method: "POST", Path: "/orders", Body: 1000},
		answer: func(p *peer, _ string) {
			p.write(head("413 Content Too Large", framed("no"), "Connection: close") + "no")
		},
		outcome: record.Complete, status: 413, received: 2, began: true,
	},
	{
		name: "truncated by a FIN", answer: func(p *peer, id string) {
			p.write(head("200 OK", append(marks(id, "hello world"), framed("hello world"))...) + "hello")
		},
		outcome: record.Truncated, status: 200, backend: "orders-1", received: 5, began: true, detail: "unexpected EOF",
	},
	{
		name: "truncated by a reset", answer: func(p *peer, id string) {
			p.write(head("200 OK", append(marks(id, "hello world"), framed("hello world"))...) + "hello")
			p.reset()
		},
		outcome: record.Truncated, status: 200, backend: "orders-1", received: 5, began: true, detail: "connection reset by peer",
	},
	{
		name: "truncated in the chunks", answer: func(p *peer, id string) {
			p.write(head("200 OK", append(marks(id, "hello"), "Transfer-Encoding: chunked")...) + "5\r\nhello\r\n")
		},
		outcome: record.Truncated, status: 200, backend: "orders-1", received: 5, began: true, detail: "unexpected EOF",
	},
	{
		name: "truncated in the head", answer: func(p *peer, _ string) { p.write("HTTP/1.1 200 OK\r\nContent-Le") },
		outcome: record.Truncated, began: true, detail: "unexpected EOF",
	},
	{
		name: "truncated after an interim answer", answer: func(p *peer, _ string) { p.write(head("100 Continue")) },
		outcome: record.Truncated, began: true, detail: "EOF",
	},
	{
		name: "truncated, with a length to match", answer: func(p *peer, id string) {
			p.write(head("200 OK", append(marks(id, "hello world"), framed("hello"))...) + "hello")
		},
		outcome: record.Truncated, status: 200, backend: "orders-1", received: 5, began: true, detail: "ended cleanly after 5 of 11 bytes",
	},
	{
		name: "truncated, until close", answer: func(p *peer, id string) {
			p.write(head("200 OK", marks(id, "hello world")...) + "hello")
		},
		outcome: record.Truncated, status: 200, backend: "orders-1", received: 5, began: true, detail: "ended cleanly after 5 of 11 bytes",
	},
	{
		name: "corrupt", answer: func(p *peer, id string) {
			p.write(head("200 OK", append(marks(id, "hello"), framed("jello"))...) + "jello")
		},
		outcome: record.Corrupt, status: 200, backend: "orders-1", received: 5, began: true,
		detail: "5 bytes with checksum " + wire.Sum([]byte("jello")) + ", want 5 bytes with " + wire.Sum([]byte("hello")),
	},
	{
		name: "longer than it should be", answer: func(p *peer, id string) {
			p.write(head("200 OK", append(marks(id, "hello"), framed("hello world"))...) + "hello world")
		},
		outcome: record.Corrupt, status: 200, backend: "orders-1", received: 11, began: true, detail: "11 bytes with checksum",
	},
	{
		name: "crossed", answer: func(p *peer, _ string) { p.write(whole("another")) },
		outcome: record.Crossed, status: 200, backend: "orders-1", received: 13, began: true, detail: "answer to request another",
	},
	{
		name: "crossed and truncated", answer: func(p *peer, _ string) {
			p.write(head("200 OK", append(marks("another", "hello world"), framed("hello"))...) + "hello")
		},
		outcome: record.Crossed, status: 200, backend: "orders-1", received: 5, began: true, detail: "answer to request another",
	},
	{
		name: "crossed and cut short", answer: func(p *peer, _ string) {
			p.write(head("200 OK", append(marks("another", "hello world"), framed("hello world"))...) + "hello")
		},
		outcome: record.Crossed, status: 200, backend: "orders-1", received: 5, began: true, detail: "answer to request another; unexpected EOF",
	},
	{
		name: "closed", answer: func(*peer, string) {},
		outcome: record.Closed, detail: "EOF",
	},
	{
		name: "reset", answer: func(p *peer, _ string) { p.reset() },
		outcome: record.Reset, detail: "connection reset by peer",
	},
	{
		name: "timed out", timeout: 100 * time.Millisecond, answer: func(p *peer, _ string) { p.hold() },
		outcome: record.TimedOut, detail: "i/o timeout",
	},
	{
		name: "timed out within the answer", timeout: time.Second, answer: func(p *peer, id string) {
			p.write(head("200 OK", append(marks(id, "hello world"), framed("hello world"))...) + "hello")
			p.hold()
		},
		outcome: record.TimedOut, status: 200, backend: "orders-1", received: 5, began: true, detail: "i/o timeout",
	},
	{
		name: "hung", waits: time.Second, answer: func(p *peer, _ string) { p.hold() },
		outcome: record.Hung, detail: "i/o timeout",
	},
	{
		name: "hung within the answer", waits: time.Second, answer: func(p *peer, _ string) {
			p.write("HTTP/1.1 200 OK\r\n")
			p.hold()
		},
		outcome: record.Hung, began: true, detail: "i/o timeout",
	},
	{
		name: "malformed status line", answer: func(p *peer, _ string) { p.write("SSH-2.0-OpenSSH_9.9\r\n") },
		outcome: record.Malformed, began: true, detail: `malformed HTTP/1: status line "SSH-2.0-OpenSSH_9.9"`,
	},
	{
		name: "malformed header", answer: func(p *peer, _ string) { p.write("HTTP/1.1 200 OK\r\nno colon\r\n\r\n") },
		outcome: record.Malformed, began: true, detail: `malformed HTTP/1: header line "no colon"`,
	},
	{
		name: "malformed chunk", answer: func(p *peer, id string) {
			p.write(head("200 OK", append(marks(id, "hello"), "Transfer-Encoding: chunked")...) + "2\r\nhe\r\nxyz\r\n")
		},
		outcome: record.Malformed, status: 200, backend: "orders-1", received: 2, began: true,
		detail: `malformed HTTP/1: chunk size "xyz"`,
	},
	{
		name: "aborted while waiting", rule: Rule{ID: "abort", Do: AbortWhileWaiting, After: ms, By: FIN}, // an RST may take the request back
		answer:  func(p *peer, _ string) { p.hold() },
		outcome: record.Aborted,
	},
	{
		name: "aborted within the answer", rule: Rule{ID: "abort", Do: AbortDownload, Byte: 5, By: FIN},
		answer:  func(p *peer, id string) { p.write(whole(id)); p.hold() },
		outcome: record.Aborted, status: 200, backend: "orders-1", received: 5, began: true,
	},
	{
		name: "malformed length", answer: func(p *peer, _ string) { p.write(head("200 OK", "Content-Length: -5")) },
		outcome: record.Malformed, status: 200, began: true, detail: `malformed HTTP/1: content length "-5"`,
	},
}

func TestOutcomes(t *testing.T) {
	for _, test := range answers {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := serve(t, func(p *peer) {
				if q, ok := p.request(); ok {
					test.answer(p, q.id())
				}
			})
			client := clientTo(g.address)
			if test.waits > 0 {
				client.Patience = test.waits
			}
			load := single(GET("/orders"))
			if test.request.Method != "" {
				load.Request = test.request
			}
			load.Timeout = test.timeout
			if test.rule.ID != "" {
				client.Script = &Script{}
				require.NoError(t, client.Script.Add(test.rule))
			}

			seen, err := send(t.Context(), client, load)
			require.NoError(t, err)
			require.Len(t, seen, 1)
			assert.Equal(t, "1/1", place(seen[0]))
			test.check(t, seen[0])
			came := func() bool { return slices.Equal([]string{seen[0].ID}, g.came()) }
			require.Eventually(t, came, patience, time.Millisecond, "sent once, whatever became of it; one whose client has gone may be read late")
		})
	}
}

// assertOrder checks that the instants of a request follow each other.
func assertOrder(t *testing.T, r record.Request, began bool) {
	t.Helper()
	assert.LessOrEqual(t, r.Due, r.Begun)
	assert.LessOrEqual(t, r.Begun, r.Sent)
	assert.Less(t, r.Sent, r.Done)
	if r.Position == 1 {
		assert.Greater(t, r.Connected, r.Begun)
		assert.LessOrEqual(t, r.Connected, r.Sent)
	} else {
		assert.Zero(t, r.Connected)
	}
	if began {
		assert.Greater(t, r.FirstByte, r.Sent)
		assert.LessOrEqual(t, r.FirstByte, r.LastByte)
		assert.LessOrEqual(t, r.LastByte, r.Done)
	} else {
		assert.Zero(t, r.FirstByte)
		assert.Zero(t, r.LastByte)
	}
}

// Not one member of the closed set is without a test. The set is what package record declares; refused and dropped have
// tests of their own, since no gateway answers there.
func TestEveryOutcomeIsTested(t *testing.T) {
	tested := []record.Outcome{record.Refused, record.Dropped}
	for _, test := range answers {
		if !slices.Contains(tested, test.outcome) {
			tested = append(tested, test.outcome)
		}
	}
	assert.ElementsMatch(t, declaredOutcomes(t), tested)
}

// declaredOutcomes reads the constants of type Outcome from the source of package record.
func declaredOutcomes(t *testing.T) (all []record.Outcome) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../record/record.go", nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "Outcome" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			all = append(all, record.Outcome(text))
		}
		return true
	})
	require.NotEmpty(t, all)
	return all
}

// A client that is held up until the run has to end leaves requests unsent: they are on the record, and the gateway has never
// heard of them.
func TestDropped(t *testing.T) {
	g := serve(t, answerAll)
	client := clientTo(g.address)
	client.Patience = 50 * ms
	ends := client.Clock.Now() + 60*time.Second
	client.Began = func(at time.Duration) { ends = at + 10*ms + client.Patience }
	client.Sending = func(n int) {
		if n == 3 {
			time.Sleep(ends - client.Clock.Now() + ms)
		}
	}
	load := Constant{Rate: 1000, For: 10 * ms, Request: GET("/orders")}
	seen, err := send(t.Context(), client, load)
	require.NoError(t, err)
	require.ElementsMatch(t, planned(load), ids(seen))
	dropped := 0
	for _, r := range seen {
		if r.Outcome == record.Dropped {
			dropped++
			assert.NotContains(t, g.came(), r.ID)
			assert.Equal(t, "0/0", place(r))
			assert.Greater(t, r.Done, ends)
		}
	}
	assert.Equal(t, 7, dropped)
}

func TestRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())

	seen, err := send(t.Context(), clientTo(listener.Addr().String()), single(GET("/orders")))
	require.NoError(t, err)
	require.Len(t, seen, 1)
	r := seen[0]
	assert.Equal(t, record.Refused, r.Outcome)
	assert.Contains(t, r.Detail, "connection refused")
	assert.Equal(t, "0/0", place(r), "there was no connection")
	assert.Equal(t, r.Begun, r.Sent)
	assert.Zero(t, r.FirstByte)
	assert.Greater(t, r.Done, r.Begun)
}

// A connection that is not opened in time is no refusal: the dialler's deadline is the request's.
func TestConnectingTakesTooLong(t *testing.T) {
	for name, test := range map[string]struct {
		timeout, waits time.Duration
		outcome        record.Outcome
	}{
		"with a timeout":    {50 * time.Millisecond, patience, record.TimedOut},
		"without a timeout": {0, 50 * time.Millisecond, record.Hung},
	} {
		t.Run(name, func(t *testing.T) {
			onFakeClock(t, func(t *testing.T) { // on a real one a run of 50 ms may be over before a busy machine has begun
				client := clientTo("gateway:80")
				client.Patience = test.waits
				client.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
					<-ctx.Done()
					return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
				}
				load := single(GET("/orders"))
				load.Timeout = test.timeout
				seen, err := send(t.Context(), client, load)
				require.NoError(t, err)
				require.Len(t, seen, 1)
				assert.Equal(t, test.outcome, seen[0].Outcome, seen[0].Detail)
			})
		})
	}
}

// A gateway that has heard enough answers, closes, and leaves the rest of the body unread. The client's write fails, and
// the answer counts all the same.
func TestAnswerOutlivesAFailedWrite(t *testing.T) {
	const large = 32 << 20 // more than the kernel's buffers hold
	g := serve(t, func(p *peer) {
		if _, err := wire.ReadRequestHead(p.in); err != nil {
			return
		}
		p.write(head("413 Content Too Large", framed("no")) + "no")
	})
	seen, err := send(t.Context(), clientTo(g.address), single(Request{Method: "POST", Path: "/orders", Body: large}))
	require.NoError(t, err)
	require.Len(t, seen, 1)
	assert.Equal(t, record.Complete, seen[0].Outcome, seen[0].Detail)
	assert.Equal(t, 413, seen[0].Status)
}

// A reset is one although it is the write that hears of it, and the read that follows finds a connection at its end.
func TestResetWhileWriting(t *testing.T) {
	const large = 32 << 20 // more than the kernel's buffers hold
	g := serve(t, func(p *peer) {
		_, _ = wire.ReadRequestHead(p.in)
		p.reset()
	})
	seen, err := send(t.Context(), clientTo(g.address), single(Request{Method: "POST", Path: "/orders", Body: large}))
	require.NoError(t, err)
	require.Len(t, seen, 1)
	assert.Equal(t, record.Reset, seen[0].Outcome, seen[0].Detail)
	assert.Contains(t, seen[0].Detail, "connection reset by peer")
}
