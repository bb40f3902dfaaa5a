package load

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
)

// watched is a client that opens one connection, with a way to ask whether an event loop carries it: the runtime's own
// connection is closed then.
func watched(t *testing.T, address string) (client Client, carried func() bool) {
	t.Helper()
	var dialled atomic.Pointer[net.TCPConn]
	client = clientTo(address)
	dial := client.Dial
	client.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		tcp, err := dial(ctx, network, address)
		if err == nil {
			dialled.Store(tcp.(*net.TCPConn))
		}
		return tcp, err
	}
	return client, func() bool { return errors.Is(dialled.Load().SetDeadline(time.Time{}), net.ErrClosed) }
}

// answerUntil answers the requests on a connection as a backend does, up to the one that is left to somebody else, the last.
func answerUntil(last int, answer func(*peer, question)) func(*peer) {
	return func(p *peer) {
		for n := 1; ; n++ {
			q, ok := p.request()
			if !ok {
				return
			}
			if n == last {
				answer(p, q)
				return
			}
			p.write(whole(q.id()))
		}
	}
}

// Whatever becomes of a request, becomes of it in the midst of a loop as well: the table is that of TestOutcomes. The first
// two requests are ordinary.
func TestOutcomesInTheMidstOfALoop(t *testing.T) {
	for _, test := range answers {
		if test.rule.ID != "" { // which is nothing ordinary, and the next test's
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var inLoop atomic.Bool
			var carried func() bool
			g := serve(t, func(p *peer) {
				for n := 1; ; n++ {
					q, ok := p.request()
					switch {
					case !ok:
						return
					case n < 3 && q.Start[0] == "HEAD":
						p.write(head("200 OK", framed("hello")))
					case n < 3:
						p.write(whole(q.id()))
					default:
						inLoop.Store(carried())
						test.answer(p, q.id())
						return
					}
				}
			})
			client, isCarried := watched(t, g.address)
			carried = isCarried
			load := Closed{Connections: 1, Requests: 3, For: patience, Timeout: test.timeout, Request: GET("/orders")}
			if test.request.Method != "" {
				load.Request = test.request
			}
			if test.waits > 0 { // no patience is left: the run ends when the load does
				load.For, client.Patience = test.waits, 0
			}

			seen, err := send(t.Context(), client, load)
			require.NoError(t, err)
			require.Len(t, seen, 3)
			assert.True(t, inLoop.Load(), "an event loop carried the request")
			r := seen[2]
			assert.Equal(t, "1/3", place(r))
			test.check(t, r)
			assert.Equal(t, ids(seen), g.came(), "each sent once, whatever became of it")
		})
	}
}

// What a rule chooses goes back to the user, and the rule does to it what it does; the same with a request that waits for a
// 100 Continue.
func TestEventLoopGivesBack(t *testing.T) {
	g := serve(t, answerAll)
	for name, test := range map[string]struct {
		request Source
		rule    Rule
		first   record.Outcome // of the requests that are not ordinary
	}{
		"what a rule chooses": {
			request: Mix{GET("/orders"), GET("/orders"), GET("/other")},
			rule:    Rule{ID: "abort", Do: AbortDownload, Byte: 5, By: FIN}, first: record.Aborted,
		},
		"what expects a 100": {
			request: Mix{GET("/orders"), GET("/orders"), Request{Method: "POST", Path: "/other", Body: 10, ExpectContinue: true}},
			first:   record.Complete,
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := clientTo(g.address)
			client.Script = &Script{}
			if test.rule.ID != "" {
				test.rule.Of = test.rule.Of.OfPath("/other")
				require.NoError(t, client.Script.Add(test.rule))
			}
			seen, err := send(t.Context(), client, Closed{Connections: 2, Requests: 40, For: patience, Request: test.request, Timeout: patience})
			require.NoError(t, err)
			require.Len(t, seen, 40)
			met := 0
			for _, r := range seen {
				want := record.Complete
				if r.Path == "/other" {
					want = test.first
					met++
				}
				assert.Equal(t, want, r.Outcome, r.Detail)
			}
			assert.NotZero(t, met)
		})
	}
}

// What the kernel does not take at once is sent by the user, and is whole.
func TestEventLoopWithLargeBodies(t *testing.T) {
	const large = 8 << 20 // more than the kernel's buffers hold
	var intact atomic.Int64
	g := serve(t, func(p *peer) {
		for {
			q, ok := p.request()
			if !ok {
				return
			}
			if q.Intact(q.Head) {
				intact.Add(1)
			}
			p.write(whole(q.id()))
		}
	})
	mix := Mix{GET("/orders"), Request{Method: "POST", Path: "/orders", Body: large}}
	seen, err := send(t.Context(), clientTo(g.address), Closed{Connections: 2, Requests: 12, For: patience, Request: mix})
	require.NoError(t, err)
	require.Len(t, seen, 12)
	for _, r := range seen {
		assert.Equal(t, record.Complete, r.Outcome, r.Detail)
	}
	assert.EqualValues(t, 12, intact.Load())
	assert.True(t, slices.ContainsFunc(seen, func(r record.Request) bool { return r.Method == "POST" && r.Position > 1 }))
}

// A connection that the gateway ends is replaced, whether it says so in its last answer or not, and the loop carries on with
// the next one. Nothing is lost by that, and nothing sent twice.
func TestEventLoopOverManyConnections(t *testing.T) {
	for name, last := range map[string]string{"announced": "Connection: close", "not announced": "X: y"} {
		t.Run(name, func(t *testing.T) {
			g := serve(t, answerUntil(10, func(p *peer, q question) {
				p.write(strings.Replace(whole(q.id()), "\r\n", "\r\n"+last+"\r\n", 1))
			}))
			seen, err := send(t.Context(), clientTo(g.address), Closed{Connections: 4, Requests: 200, For: patience, Request: GET("/orders")})
			require.NoError(t, err)
			require.Len(t, seen, 200)
			for _, r := range seen {
				if r.Outcome != record.Complete { // sent into a connection that was just being closed
					assert.Equal(t, "not announced", name)
					assert.Equal(t, 11, r.Position)
					assert.Contains(t, []record.Outcome{record.Closed, record.Reset}, r.Outcome, r.Detail)
				}
				assert.LessOrEqual(t, r.Position, 11)
			}
			came := g.came()
			slices.Sort(came)
			assert.Equal(t, came, slices.Compact(slices.Clone(came)))
		})
	}
}

// Limits of connections hold in a loop, and its end is the load's: what was begun is brought to its end.
func TestEventLoopKeepsLimits(t *testing.T) {
	g := serve(t, answerAll)
	load := Closed{Connections: 3, For: 300 * ms, Request: GET("/orders"), Use: Connections{Requests: 7}}
	began, client := time.Duration(0), clientTo(g.address)
	client.Began = func(at time.Duration) { began = at }
	seen, err := send(t.Context(), client, load)
	require.NoError(t, err)
	require.Greater(t, len(seen), 100)
	for _, r := range seen {
		require.Equal(t, record.Complete, r.Outcome, r.Detail)
		require.LessOrEqual(t, r.Position, 7)
		require.Less(t, r.Due, began+load.For)
		assertOrder(t, r, true)
	}
	assert.ElementsMatch(t, g.came(), ids(seen))
}

// A run that is broken off breaks off what the loops carry.
func TestEventLoopBrokenOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	g := serve(t, answerUntil(50, func(p *peer, _ question) {
		cancel()
		p.hold()
	}))
	seen, err := send(ctx, clientTo(g.address), Closed{Connections: 1, For: patience, Request: GET("/orders")})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, g.came(), ids(seen))
	last := seen[len(seen)-1]
	assert.Equal(t, "1/50", place(last))
	assert.Equal(t, record.Hung, last.Outcome, last.Detail)
}

// A gateway that ends its side of a connection right behind an answer, and goes on reading, says nothing any more: whoever has sent
// the next request by then is to hear of the end that came before, and not to wait for an event that has been.
func TestEventLoopHearsOfAnEndBehindAnAnswer(t *testing.T) {
	g := serve(t, answerUntil(5, func(p *peer, q question) {
		p.write(whole(q.id()))
		_ = p.tcp.CloseWrite()
		p.hold()
	}))
	load := Closed{Connections: 4, Requests: 2000, For: patience, Request: GET("/orders")}
	seen, err := send(t.Context(), clientTo(g.address), load)
	require.NoError(t, err)
	require.Len(t, seen, 2000)
	closed := 0
	for _, r := range seen {
		if r.Outcome != record.Complete { // sent before the end was to be seen
			require.Equal(t, record.Closed, r.Outcome, r.Detail)
			require.Equal(t, 6, r.Position)
			require.Less(t, r.Done-r.Sent, patience/2, "not when the run had to end")
			closed++
		}
	}
	assert.NotZero(t, closed)
}

// An answer that ends exactly where the client's buffer does says nothing of what came behind it, which no event tells of again: here an
// answer that nobody asked for, and that whoever sends the next request takes for its own.
func TestEventLoopReadsOnBehindAFullBuffer(t *testing.T) {
	const buffer = 4096
	g := serve(t, answerUntil(3, func(p *peer, q question) {
		text, pad := whole(q.id()), "\r\nX-Pad: "
		text = strings.Replace(text, "\r\n", pad+strings.Repeat("x", buffer-len(text)-len(pad))+"\r\n", 1)
		p.write(text + head("408 Request Timeout", framed("")))
		p.hold()
	}))
	client := clientTo(g.address)
	client.Patience = time.Second
	seen, err := send(t.Context(), client, Closed{Connections: 1, Requests: 4, For: time.Second, Request: GET("/orders")})
	require.NoError(t, err)
	require.Len(t, seen, 4)
	if place(seen[3]) == "1/4" { // else the client was held up, has looked, and taken another connection
		assert.Equal(t, 408, seen[3].Status)
	}
	assert.Less(t, seen[3].Done-seen[3].Sent, time.Second/2, "not when the run had to end")
}

// A gateway that answers a large request and leaves it unread leaves little room for the next one. That is sent all the same.
func TestEventLoopSendsIntoFullBuffers(t *testing.T) {
	for body := 110_000; body < 210_000; body += 10_000 { // how much fits is the kernel's to say
		t.Run(strconv.Itoa(body), func(t *testing.T) {
			t.Parallel()
			g := serve(t, func(p *peer) {
				_ = p.tcp.SetReadBuffer(4096)
				q, err := wire.ReadRequestHead(p.in)
				if err != nil {
					return
				}
				p.write(whole(q.Get(wire.ID)))
				<-t.Context().Done()
			})
			client := clientTo(g.address)
			client.Patience = time.Second
			dial := client.Dial
			client.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				tcp, err := dial(ctx, network, address)
				if err == nil {
					err = tcp.(*net.TCPConn).SetWriteBuffer(64 << 10)
				}
				return tcp, err
			}
			load := Closed{Connections: 1, Requests: 2, For: time.Second, Timeout: 100 * ms, Request: Request{Method: "POST", Path: "/orders", Body: body}}
			seen, err := send(t.Context(), client, load)
			require.NoError(t, err)
			assert.Len(t, seen, 2)
		})
	}
}

// A connection goes back to its user although the process has no descriptor left.
func TestEventLoopGivesBackWithoutDescriptors(t *testing.T) {
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	defer func() { assert.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)) }()
	g := serve(t, func(p *peer) {
		for n := 1; ; n++ {
			q, ok := p.request()
			if !ok {
				return
			}
			text := whole(q.id())
			if n == 3 {
				assert.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Max: limit.Max}))
				p.write(text[:10]) // nothing that a loop carries
				time.Sleep(50 * ms)
				text = text[10:]
			}
			p.write(text)
			if n == 5 {
				p.reset()
				return
			}
		}
	})
	seen, err := send(t.Context(), clientTo(g.address), Closed{Connections: 1, Requests: 5, For: patience, Request: GET("/orders")})
	require.NoError(t, err)
	require.Len(t, seen, 5)
	for n, r := range seen {
		assert.Equal(t, record.Complete, r.Outcome, r.Detail)
		assert.Equal(t, "1/"+strconv.Itoa(n+1), place(r))
	}
}

// A reset is told as it always is, with both addresses, although the kernel has forgotten the gateway's by the time that the
// connection goes back to its user.
func TestEventLoopNamesWhoReset(t *testing.T) {
	g := serve(t, answerUntil(3, func(p *peer, q question) {
		p.write(whole(q.id())[:20])
		p.reset()
	}))
	load := Closed{Connections: 4, Requests: 300, For: patience, Request: GET("/orders")}
	seen, err := send(t.Context(), clientTo(g.address), load)
	require.NoError(t, err)
	require.Len(t, seen, 300)
	for _, r := range seen {
		if r.Outcome != record.Complete {
			require.Contains(t, r.Detail, "->"+g.address+": read: connection reset by peer")
		}
	}
}
