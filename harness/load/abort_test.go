package load

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
)

const (
	form  = "client r-1\nclient r-1\n" // the body of the first request
	hello = "hello world"
)

var upload22 = Request{Method: "POST", Path: "/orders", Body: len(form), Answer: 128}

// misbehaving is a stepwise client with a rule in force, whose id is "the id".
func misbehaving(t *testing.T, g *gateway, r Rule) *stepwise {
	t.Helper()
	s := step(t, g.address, KeepAlive)
	s.Script = &Script{}
	r.ID = "the id"
	require.NoError(t, s.Script.Add(r))
	return s
}

// requireReceipt requires the receipt of a rule to be this, whatever the records say.
func requireReceipt(t *testing.T, s *Script, requests, connections int) {
	t.Helper()
	receipt, err := s.Receipt("the id")
	require.NoError(t, err)
	require.Equal(t, record.Receipt{Replica: "client", Requests: requests, Connections: connections}, receipt)
}

// sight is what a gateway sees of a connection that it does not end itself.
type sight struct {
	body string // what came behind the head
	end  error
}

// watch reads what still comes.
func (p *peer) watch() sight {
	_, err := io.Copy(io.Discard, p.in)
	if err == nil {
		err = io.EOF
	}
	_, body, _ := strings.Cut(p.bytes.String(), "\r\n\r\n")
	return sight{body, err}
}

// requireEnd requires a connection to have ended in that way.
func requireEnd(t *testing.T, by End, err error) {
	t.Helper()
	if by == RST {
		require.ErrorIs(t, err, syscall.ECONNRESET)
		return
	}
	require.Equal(t, io.EOF, err)
}

// The client breaks off exactly where it was told to, in the way it was told to.
func TestBreaksOff(t *testing.T) {
	chunked := upload22
	chunked.Chunked = true
	tiny := upload22
	tiny.Body = 1
	much := strings.Repeat("x", 30_000)
	for name, test := range map[string]struct {
		rule    Rule
		request Request
		answer  string // what the gateway says to the request, before it watches

		sent     string // of the body
		status   int
		received int64
	}{
		"while waiting": {
			rule: Rule{Do: AbortWhileWaiting, After: 20 * time.Millisecond}, request: upload22, sent: form,
		},
		"while waiting, at once": {rule: Rule{Do: AbortWhileWaiting}, request: upload22, sent: form},
		"while waiting, without a body": {
			rule: Rule{Do: AbortWhileWaiting, After: 20 * time.Millisecond}, request: GET("/orders"),
		},
		"upload, half":            {rule: Rule{Do: AbortUpload}, request: upload22, sent: form[:11]},
		"upload, at a byte":       {rule: Rule{Do: AbortUpload, Byte: 5}, request: upload22, sent: form[:5]},
		"upload, before the last": {rule: Rule{Do: AbortUpload, Byte: 21}, request: upload22, sent: form[:21]},
		"upload, of one byte":     {rule: Rule{Do: AbortUpload}, request: tiny, sent: ""},
		"upload, in chunks":       {rule: Rule{Do: AbortUpload, Byte: 6}, request: chunked, sent: "16\r\ncl"},
		"download, at once": {
			rule: Rule{Do: AbortDownload}, request: GET("/orders"),
			answer: head("200 OK", framed(hello)) + "h", status: 200, received: 1,
		},
		"download, at a byte": {
			rule: Rule{Do: AbortDownload, Byte: 3}, request: GET("/orders"),
			answer: head("200 OK", framed(hello)) + hello[:9], status: 200, received: 3,
		},
		"download, although all of it has come": {
			rule: Rule{Do: AbortDownload, Byte: 3}, request: upload22,
			answer: head("200 OK", framed(hello)) + hello, sent: form, status: 200, received: 3,
		},
		"download, although more has come than was read ahead": { // and fits into one segment
			rule: Rule{Do: AbortDownload, Byte: 3}, request: upload22,
			answer: head("200 OK", framed(much)) + much, sent: form, status: 200, received: 3,
		},
		"download, in chunks": {
			rule: Rule{Do: AbortDownload, Byte: 5}, request: GET("/orders"),
			answer: head("200 OK", "Transfer-Encoding: chunked") + "b\r\nhello", status: 200, received: 2,
		},
		"download, before the end of the chunks": {
			rule: Rule{Do: AbortDownload, Byte: 16}, request: GET("/orders"),
			answer: head("200 OK", "Transfer-Encoding: chunked") + "b\r\nhello world\r\n", status: 200, received: 11,
		},
		"download, until close": {
			rule: Rule{Do: AbortDownload, Byte: 5}, request: GET("/orders"),
			answer: head("200 OK") + hello, status: 200, received: 5,
		},
	} {
		for _, by := range []End{FIN, RST} {
			t.Run(name+" by "+string(by), func(t *testing.T) {
				t.Parallel()
				seen, closed, later := make(chan sight, 1), make(chan struct{}), make(chan error, 1)
				g := serve(t, func(p *peer) {
					if p.number > 1 {
						answerAll(p)
						return
					}
					if test.answer != "" {
						p.request()
						p.write(test.answer)
					}
					seen <- p.watch()
					<-closed
					_, err := p.tcp.Write([]byte("x"))
					later <- err
				})
				rule := test.rule
				rule.By = by
				s := misbehaving(t, g, rule)
				r := s.next(t, test.request)
				assert.Equal(t, record.Aborted, r.Outcome, r.Detail)
				assert.False(t, r.Failed())
				assert.Equal(t, "the id", r.Injection)
				assert.Empty(t, r.Detail)
				assert.Equal(t, test.status, r.Status)
				assert.Equal(t, test.received, r.Received)
				assertOrder(t, r, test.answer != "")
				assert.GreaterOrEqual(t, r.Done-r.Sent, test.rule.After)
				requireReceipt(t, s.Script, 1, 1)
				saw := <-seen
				requireEnd(t, by, saw.end)
				assert.Equal(t, test.sent, saw.body)
				close(closed)
				assert.Equal(t, by == FIN, <-later == nil, "no reset follows a FIN until the gateway speaks again")

				s.Script.Lift("the id")
				after := s.next(t, test.request)
				assert.Equal(t, record.Complete, after.Outcome, after.Detail)
				assert.Equal(t, "2/1", place(after), "what was broken off is not used again")
				assert.Empty(t, after.Injection)
				requireReceipt(t, s.Script, 1, 1)
			})
		}
	}
}

// A request for which there was nothing to break off, or not in time, is sent, read and judged as if there were no rule,
// and not counted.
func TestNothingToBreakOff(t *testing.T) {
	chunked := upload22
	chunked.Chunked = true
	answer := func(p *peer) {
		if q, ok := p.request(); ok {
			p.write(whole(q.id()))
		}
	}
	answerWith := func(text string) func(*peer) {
		return func(p *peer) { p.request(); p.write(text) }
	}
	download := head("200 OK", framed(hello)) + hello
	for name, test := range map[string]struct {
		rule    Rule
		request Request
		gateway func(*peer)
		outcome record.Outcome
		closed  bool // the connection, by the gateway or because of its answer
	}{
		"answered in time": {Rule{Do: AbortWhileWaiting, After: patience}, upload22, answer, record.Complete, false},
		"closed in time": {
			Rule{Do: AbortWhileWaiting, After: patience},
			upload22,
			func(p *peer) { p.request(); _ = p.tcp.Close() },
			record.Closed, true,
		},
		"reset in time": {
			Rule{Do: AbortWhileWaiting, After: patience},
			upload22,
			func(p *peer) { p.request(); p.reset() },
			record.Reset, true,
		},
		"no body to send":              {Rule{Do: AbortUpload}, GET("/orders"), answer, record.Complete, false},
		"an empty body":                {Rule{Do: AbortUpload}, Request{Method: "POST", Path: "/"}, answer, record.Complete, false},
		"a body that is not longer":    {Rule{Do: AbortUpload, Byte: 22}, upload22, answer, record.Complete, false},
		"chunks that are not longer":   {Rule{Do: AbortUpload, Byte: 33}, chunked, answer, record.Complete, false},
		"an answer that is not longer": {Rule{Do: AbortDownload, Byte: 11}, GET("/orders"), answerWith(download), record.Complete, false},
		"an answer that is shorter":    {Rule{Do: AbortDownload, Byte: 100}, GET("/orders"), answerWith(download), record.Complete, false},
		"a byte more than was asked for": {
			Rule{Do: AbortDownload, Byte: 100}, GET("/orders"), answerWith(download + "x"), record.Complete, true,
		},
		"chunks no longer than that": {
			Rule{Do: AbortDownload, Byte: 21},
			GET("/orders"),
			answerWith(head("200 OK", "Transfer-Encoding: chunked") + "b\r\nhello world\r\n0\r\n\r\n"),
			record.Complete, false,
		},
		"no content":         {Rule{Do: AbortDownload}, GET("/orders"), answerWith(head("204 No Content")), record.Complete, false},
		"an empty answer":    {Rule{Do: AbortDownload}, GET("/orders"), answerWith(head("200 OK", framed(""))), record.Complete, false},
		"the answer to HEAD": {Rule{Do: AbortDownload}, Request{Method: "HEAD", Path: "/"}, answerWith(head("200 OK", framed(hello))), record.Complete, false},
		"truncated before": {
			Rule{Do: AbortDownload, Byte: 9},
			GET("/orders"),
			func(p *peer) { p.request(); p.write(head("200 OK", framed(hello)) + hello[:5]); _ = p.tcp.Close() },
			record.Truncated, true,
		},
		"malformed": {
			Rule{Do: AbortDownload, Byte: 9},
			GET("/orders"),
			answerWith(head("200 OK", "Transfer-Encoding: chunked") + "xyz\r\n"), record.Malformed, true,
		},
	} {
		for _, by := range []End{FIN, RST} {
			t.Run(name+" by "+string(by), func(t *testing.T) {
				t.Parallel()
				g := serve(t, func(p *peer) {
					if p.number == 1 {
						test.gateway(p)
					}
					answerAll(p)
				})
				rule := test.rule
				rule.By = by
				s := misbehaving(t, g, rule)
				r := s.next(t, test.request)
				assert.Equal(t, test.outcome, r.Outcome, r.Detail)
				assert.Empty(t, r.Injection)
				requireReceipt(t, s.Script, 0, 0)
				s.Script.Lift("the id")
				assert.Equal(t, test.closed, s.next(t, test.request).Connection == 2)
			})
		}
	}
}

// An upload that the gateway has answered, or ended, before the client breaks off, is sent to its end: the gateway's word
// is the outcome, and no client has cut anything off.
func TestUploadAnsweredBeforeItIsBrokenOff(t *testing.T) {
	const large = 32 << 20 // more than the kernel's buffers hold
	tooLarge := head("413 Content Too Large", framed("no")) + "no"
	for name, test := range map[string]struct {
		request Request
		early   func(*peer) // before the request comes
		late    func(*peer) // when its head has come
		outcome record.Outcome
		status  int
		whole   bool // the gateway gets all of it
	}{
		"an answer was there": {
			request: upload22, early: func(p *peer) { p.write(tooLarge) },
			late: func(p *peer) {}, outcome: record.Complete, status: 413, whole: true,
		},
		"the gateway had closed": {
			request: upload22, early: func(p *peer) { _ = p.tcp.CloseWrite() },
			late: func(p *peer) {}, outcome: record.Closed, whole: true,
		},
		"answered and closed meanwhile": {
			request: Request{Method: "POST", Path: "/orders", Body: large},
			late:    func(p *peer) { p.write(tooLarge); _ = p.tcp.Close() }, outcome: record.Complete, status: 413,
		},
		"reset meanwhile": {
			request: Request{Method: "POST", Path: "/orders", Body: large},
			late:    func(p *peer) { p.reset() }, outcome: record.Reset,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := make(chan sight, 1)
			g := serve(t, func(p *peer) {
				if test.early != nil {
					test.early(p)
				}
				if _, err := wire.ReadRequestHead(p.in); err == nil {
					test.late(p)
				}
				seen <- p.watch()
			})
			s := misbehaving(t, g, Rule{Do: AbortUpload, By: RST})
			if test.early != nil {
				s.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					var dialer net.Dialer
					conn, err := dialer.DialContext(ctx, network, address)
					if err == nil {
						require.Eventually(t, func() bool { return wire.Look(conn) != wire.Quiet }, patience, time.Millisecond)
					}
					return conn, err
				}
			}
			r := s.next(t, test.request)
			assert.Equal(t, test.outcome, r.Outcome, r.Detail)
			assert.Equal(t, test.status, r.Status)
			assert.Empty(t, r.Injection)
			requireReceipt(t, s.Script, 0, 0)
			if test.whole {
				s.idle.close()
				assert.Equal(t, sight{form, io.EOF}, <-seen)
			}
		})
	}
}

// The client's own deadline and the end of the run come before a break that is still to come.
func TestBreakThatCameTooLate(t *testing.T) {
	for name, test := range map[string]struct {
		timeout, waits time.Duration
		outcome        record.Outcome
	}{
		"with a timeout":    {50 * time.Millisecond, patience, record.TimedOut},
		"without a timeout": {0, 50 * time.Millisecond, record.Hung},
	} {
		t.Run(name, func(t *testing.T) {
			onFakeClock(t, func(t *testing.T) { // on a real one a run of 50 ms may be over before a busy machine has begun
				client := pipes{answer: time.Hour}.client()
				client.Patience = test.waits
				client.Script = &Script{}
				require.NoError(t, client.Script.Add(Rule{ID: "the id", Do: AbortWhileWaiting, After: patience, By: FIN}))
				load := single(GET("/orders"))
				load.Timeout = test.timeout
				seen, err := send(t.Context(), client, load)
				require.NoError(t, err)
				require.Len(t, seen, 1)
				assert.Equal(t, test.outcome, seen[0].Outcome)
				assert.Empty(t, seen[0].Injection)
				requireReceipt(t, client.Script, 0, 0)
			})
		})
	}
}

// However close a wait of the client's own is to the end of the run, it does not put that end off.
func TestWaitThatBeginsAsTheRunEnds(t *testing.T) {
	for range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		s := misbehaving(t, serve(t, func(p *peer) { p.request(); cancel(); p.hold() }), Rule{Do: AbortWhileWaiting, After: patience, By: FIN})
		r := s.within(ctx, 0, GET("/orders"))
		require.Equal(t, record.Hung, r.Outcome, r.Detail)
		require.Less(t, r.Done-r.Sent, patience)
	}
}

// A half-closed connection is one of which the gateway has seen the end, and that still carries the answer.
func TestHalfClose(t *testing.T) {
	for name, test := range map[string]struct {
		then    func(p *peer, id string) // once the gateway has seen the end
		outcome record.Outcome
	}{
		"answered":              {func(p *peer, id string) { p.write(whole(id)) }, record.Complete},
		"taken for a close":     {func(*peer, string) {}, record.Closed},
		"taken for an abort":    {func(p *peer, _ string) { p.reset() }, record.Reset},
		"answered with a 5xx":   {func(p *peer, _ string) { p.write(head("502 Bad Gateway", framed(""))) }, record.Complete},
		"cut off in the answer": {func(p *peer, id string) { p.write(strings.TrimSuffix(whole(id), id)) }, record.Truncated},
	} {
		for _, request := range []Request{GET("/orders"), upload22} {
			t.Run(fmt.Sprintf("%s %s", request.Method, name), func(t *testing.T) {
				t.Parallel()
				saw := make(chan error, 1)
				g := serve(t, func(p *peer) {
					if p.number > 1 {
						answerAll(p)
						return
					}
					q, ok := p.request()
					if !ok {
						return
					}
					_, err := p.in.ReadByte()
					saw <- err
					test.then(p, q.id())
				})
				s := misbehaving(t, g, Rule{Do: HalfClose})
				r := s.next(t, request)
				assert.Equal(t, test.outcome, r.Outcome, r.Detail)
				assert.Equal(t, "the id", r.Injection)
				assert.Equal(t, io.EOF, <-saw)
				requireReceipt(t, s.Script, 1, 0)
				s.Script.Lift("the id")
				assert.Equal(t, "2/1", place(s.next(t, request)))
				requireReceipt(t, s.Script, 1, 0)
			})
		}
	}
}

// A connection that the gateway has reset has no side to close.
func TestHalfCloseOfAFailedWrite(t *testing.T) {
	const large = 32 << 20 // more than the kernel's buffers hold
	g := serve(t, func(p *peer) {
		_, _ = wire.ReadRequestHead(p.in)
		p.reset()
	})
	s := misbehaving(t, g, Rule{Do: HalfClose})
	r := s.next(t, Request{Method: "POST", Path: "/orders", Body: large})
	assert.Equal(t, record.Reset, r.Outcome, r.Detail)
	assert.Empty(t, r.Injection)
	requireReceipt(t, s.Script, 0, 0)
}
