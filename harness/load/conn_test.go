package load

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
)

func TestKeepAliveUsesOneConnection(t *testing.T) {
	s := step(t, serve(t, answerAll).address, KeepAlive)
	for i := range 5 {
		r := s.next(t, orders[i%len(orders)])
		require.Equal(t, record.Complete, r.Outcome, r.Detail)
		assert.Equal(t, fmt.Sprintf("1/%d", i+1), place(r))
	}
}

func TestOneConnectionForEachRequest(t *testing.T) {
	for _, connections := range []Connections{PerRequest, PerRequestHTTP10} {
		s := step(t, serve(t, answerAll).address, connections)
		for i := range 3 {
			r := s.next(t, GET("/orders"))
			require.Equal(t, record.Complete, r.Outcome, r.Detail)
			assert.Equal(t, fmt.Sprintf("%d/1", i+1), place(r), "although the gateway would have kept it open")
		}
	}
}

// Of two idle connections the one that was used last is taken, so that the other can time out.
func TestLastUsedConnectionIsTaken(t *testing.T) {
	hold, first := make(chan struct{}), make(chan struct{})
	g := serve(t, func(p *peer) {
		q, ok := p.request()
		if !ok {
			return
		}
		if p.number == 1 {
			close(first)
			<-hold
		}
		p.write(whole(q.id()))
		answerAll(p)
	})
	s := step(t, g.address, KeepAlive)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go s.send(ctx, &Planned{Request: GET("/slow"), ID: "slow"}, nil, 0, s.idle)
	<-first
	assert.Equal(t, "2/1", place(s.next(t, GET("/orders"))))
	close(hold)
	slow := <-s.results
	assert.Equal(t, "1/1", place(slow))
	assert.Equal(t, "1/2", place(s.next(t, GET("/orders"))), "it came back last")
	assert.Equal(t, "1/3", place(s.next(t, GET("/orders"))))
}

// Any client that keeps connections looks before it writes. What the gateway has ended, or spoken on unasked, is not
// used: a failure on it would be the client's doing.
func TestIdleConnectionThatIsOverIsNotUsed(t *testing.T) {
	for name, spoil := range map[string]func(*peer){
		"FIN":                 func(*peer) {},
		"reset":               func(p *peer) { p.reset() },
		"a byte unasked":      func(p *peer) { p.write("x"); p.hold() },
		"an answer unasked":   func(p *peer) { p.write(head("408 Request Timeout", framed(""))); p.hold() },
		"an answer and a FIN": func(p *peer) { p.write(head("408 Request Timeout", "Connection: close", framed(""))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			idle := make(chan struct{})
			s := step(t, serve(t, func(p *peer) {
				if p.number == 1 {
					if q, ok := p.request(); ok {
						p.write(whole(q.id()))
					}
					<-idle
					spoil(p)
					return
				}
				answerAll(p)
			}).address, KeepAlive)

			require.Equal(t, "1/1", place(s.next(t, GET("/orders"))))
			require.Len(t, s.idle.conns, 1)
			kept, far := s.idle.conns[0], time.Hour // long after its last byte
			require.True(t, kept.alive(far))
			close(idle)
			require.Eventually(t, func() bool { return !kept.alive(far) }, patience, time.Millisecond,
				"what came is seen without being read")

			r := s.next(t, POST("/orders"))
			assert.Equal(t, record.Complete, r.Outcome, r.Detail)
			assert.Equal(t, "2/1", place(r))
			assert.Len(t, s.idle.conns, 1, "the dead one is thrown away")
		})
	}
}

// The deadline of the last request is over when the next one comes, and says nothing about the connection.
func TestPassedDeadlineDoesNotSpoilAConnection(t *testing.T) {
	s := step(t, serve(t, answerAll).address, KeepAlive)
	require.Equal(t, "1/1", place(s.next(t, GET("/orders"))))
	require.NoError(t, s.idle.conns[0].tcp.SetDeadline(time.Now().Add(-time.Second)))
	r := s.next(t, GET("/orders"))
	assert.Equal(t, record.Complete, r.Outcome, r.Detail)
	assert.Equal(t, "1/2", place(r))
}

// Which answers leave the connection usable. The gateway keeps it open every time, so the choice is the client's.
func TestWhatAnAnswerLeaves(t *testing.T) {
	closing := func(version string, lines ...string) string {
		return strings.Replace(head("200 OK", append(lines, framed("hello"))...), "HTTP/1.1", version, 1) + "hello"
	}
	for name, test := range map[string]struct {
		answer string
		reused bool
	}{
		"1.1":                          {closing("HTTP/1.1"), true},
		"1.1, close":                   {closing("HTTP/1.1", "Connection: close"), false},
		"1.1, close among others":      {closing("HTTP/1.1", "Connection: foo, Close"), false},
		"1.0":                          {closing("HTTP/1.0"), false},
		"1.0, keep-alive":              {closing("HTTP/1.0", "Connection: Keep-Alive"), true},
		"no content":                   {head("204 No Content"), true},
		"switched, which nobody asked": {head("101 Switching Protocols", "Upgrade: h2c"), false},
		"not modified, with length":    {head("304 Not Modified", "Content-Length: 5"), true},
		"a 5xx":                        {head("503 Service Unavailable", framed("")), true},
		"chunked":                      {head("200 OK", "Transfer-Encoding: chunked") + "5\r\nhello\r\n0\r\n\r\n", true},
		"chunked, with trailer":        {head("200 OK", "Transfer-Encoding: chunked") + "0\r\nA: b\r\n\r\n", true},
		"more than was asked for":      {closing("HTTP/1.1") + "x", false},
		"truncated, but cleanly":       {head("200 OK", append(marks("r-1", "hello world"), framed("hello"))...) + "hello", true},
		"the answer to another":        {whole("another"), true},
		"malformed":                    {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", false},
		"malformed after the answer":   {head("200 OK", "Content-Length: 5, 5") + "hello", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := step(t, serve(t, func(p *peer) {
				if p.number == 1 {
					if _, ok := p.request(); !ok {
						return
					}
					p.write(test.answer)
				}
				answerAll(p)
			}).address, KeepAlive)
			require.Equal(t, "1/1", place(s.next(t, GET("/orders"))))
			r := s.next(t, GET("/orders"))
			require.Equal(t, record.Complete, r.Outcome, r.Detail)
			assert.Equal(t, test.reused, r.Connection == 1)
		})
	}
}

// A HEAD's answer has a length and no body; reading one would swallow the next answer.
func TestHeadLeavesTheNextAnswer(t *testing.T) {
	s := step(t, serve(t, func(p *peer) {
		for {
			q, ok := p.request()
			if !ok {
				return
			}
			answer := whole(q.id())
			if q.Start[0] == "HEAD" {
				answer = strings.TrimSuffix(answer, "hello "+q.id())
			}
			p.write(answer)
		}
	}).address, KeepAlive)
	for i, method := range []string{"HEAD", "GET", "HEAD", "POST"} {
		r := s.next(t, Request{Method: method, Path: "/orders"})
		require.Equal(t, record.Complete, r.Outcome, r.Detail)
		assert.Equal(t, fmt.Sprintf("1/%d", i+1), place(r))
	}
}

// Each request goes over the wire byte for byte like this.
func TestBytesOnTheWire(t *testing.T) {
	for name, test := range map[string]struct {
		request     Request
		connections Connections
		want        []string
	}{
		"GET": {
			GET("/orders?page=2"), KeepAlive,
			[]string{
				"GET /orders?page=2 HTTP/1.1", "Host: HOST", "X-Badgateway-Id: r-1", "X-Badgateway-Answer: 128", "", "",
			},
		},
		"POST": {
			Request{Method: "POST", Path: "/orders", Body: len(form), Answer: 7},
			KeepAlive,
			[]string{
				"POST /orders HTTP/1.1", "Host: HOST", "X-Badgateway-Id: r-1", "X-Badgateway-Answer: 7", "Content-Length: 22",
				"X-Badgateway-Length: 22", "X-Badgateway-Checksum: " + wire.Sum([]byte(form)), "", form,
			},
		},
		"GET that takes its time": {
			Request{Method: "GET", Path: "/", Takes: 1500 * time.Millisecond},
			KeepAlive,
			[]string{
				"GET / HTTP/1.1", "Host: HOST", "X-Badgateway-Id: r-1", "X-Badgateway-Takes: 1500", "", "",
			},
		},
		"POST that asks first": {
			Request{Method: "POST", Path: "/orders", Body: len(form), Answer: 7, ExpectContinue: true},
			KeepAlive,
			[]string{
				"POST /orders HTTP/1.1", "Host: HOST", "X-Badgateway-Id: r-1", "X-Badgateway-Answer: 7", "Content-Length: 22",
				"Expect: 100-continue", "X-Badgateway-Length: 22", "X-Badgateway-Checksum: " + wire.Sum([]byte(form)), "", form,
			},
		},
		"GET with a body, a key and a line": {
			Request{Method: "GET", Path: "/", Body: len(form), IdempotencyKey: true, Header: []string{"Accept: */*"}},
			KeepAlive,
			[]string{
				"GET / HTTP/1.1", "Host: HOST", "X-Badgateway-Id: r-1", "Content-Length: 22",
				"Idempotency-Key: r-1", "Accept: */*",
				"X-Badgateway-Length: 22", "X-Badgateway-Checksum: " + wire.Sum([]byte(form)), "", form,
			},
		},
		"POST without a body": {
			Request{Method: "POST", Path: "/"},
			KeepAlive,
			[]string{
				"POST / HTTP/1.1", "Host: HOST", "X-Badgateway-Id: r-1", "Content-Length: 0", "", "",
			},
		},
		"one connection per request": {
			Request{Method: "GET", Path: "/"},
			PerRequest,
			[]string{
				"GET / HTTP/1.1", "Host: HOST", "Connection: close", "X-Badgateway-Id: r-1", "", "",
			},
		},
		"one connection per request, HTTP/1.0": {
			Request{Method: "GET", Path: "/"},
			PerRequestHTTP10,
			[]string{
				"GET / HTTP/1.0", "Host: HOST", "X-Badgateway-Id: r-1", "", "",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			came := make(chan string, 1)
			g := serve(t, func(p *peer) {
				q, ok := p.request()
				if !ok {
					return
				}
				assert.True(t, q.Intact(q.Head), "the marks are those of the body")
				p.write(whole(q.id()))
				p.hold() // to the end of what the client sends
				came <- p.bytes.String()
			})
			s := step(t, g.address, test.connections)
			r := s.next(t, test.request)
			require.Equal(t, record.Complete, r.Outcome, r.Detail)
			s.idle.close()
			assert.Equal(t, strings.ReplaceAll(strings.Join(test.want, "\r\n"), "HOST", g.address), <-came)
		})
	}
}
