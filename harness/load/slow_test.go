package load

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
)

// What takes its time is tested on a fake clock and in-memory connections, on which nothing is buffered.

const ms = time.Millisecond

// pipe is the gateway's end of an in-memory connection.
type pipe struct {
	net.Conn
	in    *bufio.Reader
	clock record.Clock
}

func (p *pipe) write(text string) { _, _ = io.WriteString(p, text) }

// question reads the next request to its end.
func (p *pipe) question() (id string) {
	head, err := wire.ReadRequestHead(p.in)
	if err != nil {
		return ""
	}
	_, _ = wire.ReadRequestBody(p.in, head)
	return head.Get(wire.ID)
}

// arrivals is when bytes came, counted until the end of the connection.
type arrivals struct {
	at   []time.Duration
	size int
}

func (p *pipe) drain() (a arrivals) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := p.in.Read(buffer)
		if n > 0 {
			a.at, a.size = append(a.at, p.clock.Now()), a.size+n
		}
		if err != nil {
			return a
		}
	}
}

// piped is a stepwise client with a rule in force; the script is run for each of its connections.
func piped(t *testing.T, r Rule, script func(*pipe)) *stepwise {
	t.Helper()
	s := step(t, "gateway:80", KeepAlive)
	s.Script = &Script{}
	if r.Do != "" {
		r.ID = "the id"
		require.NoError(t, s.Script.Add(r))
	}
	s.Dial = func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			script(&pipe{server, bufio.NewReader(server), s.Clock})
		}()
		return client, nil
	}
	return s
}

// within sends a request that has a timeout of its own.
func (s *stepwise) within(ctx context.Context, timeout time.Duration, request Request) record.Request {
	s.timeout = timeout
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	defer context.AfterFunc(ctx, s.breakOff)()
	p := Planned{Request: request, ID: "r-1"}
	s.send(ctx, &p, s.Script.turn(&p), s.Clock.Now(), s.idle)
	return <-s.results
}

// body250 takes 2.5 s at 100 bytes per second, and is then sent 5 bytes at a time.
var body250 = Request{Method: "POST", Path: "/orders", Body: 250, Answer: 128}

func TestSlowUploadTakesItsTime(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		var head time.Duration
		came := make(chan arrivals, 1)
		s := piped(t, Rule{Do: SlowUpload, Rate: 100}, func(p *pipe) {
			_, err := wire.ReadRequestHead(p.in)
			assert.NoError(t, err)
			head = p.clock.Now()
			var a arrivals
			for a.size < 250 {
				n, err := p.in.Read(make([]byte, 100))
				if !assert.NoError(t, err) {
					return
				}
				a.at, a.size = append(a.at, p.clock.Now()), a.size+n
			}
			p.write(whole("r-1"))
			p.question()
			p.write(whole("r-2"))
			came <- a
		})
		s.sent = 0
		r := s.next(t, body250)
		assert.Equal(t, record.Complete, r.Outcome, r.Detail)
		assert.Equal(t, "the id", r.Injection)
		assert.Equal(t, 2500*ms, r.Done)
		assert.Zero(t, head, "it goes at once")
		s.Script.Lift("the id")
		r = s.next(t, body250)
		assert.Equal(t, "1/2", place(r), "a slow client is a good client")
		assert.Equal(t, 2500*ms, r.Done)
		a := <-came
		assert.Len(t, a.at, 50)
		for i, at := range a.at {
			assert.Equal(t, time.Duration(i+1)*50*ms, at)
		}
		requireReceipt(t, s.Script, 1, 0)
	})
}

// Whatever becomes of a request whose body is still on its way is what the client records, when it happens.
func TestSlowUploadThatIsNotFinished(t *testing.T) {
	timeout := head("408 Request Timeout", "Connection: close", framed(""))
	at := func(after time.Duration, then func(*pipe)) func(*pipe) {
		return func(p *pipe) {
			time.AfterFunc(after, func() { then(p) })
			p.drain()
		}
	}
	for name, test := range map[string]struct {
		gateway func(*pipe)
		timeout time.Duration
		cancel  time.Duration

		outcome record.Outcome
		status  int
		done    time.Duration
		detail  string
	}{
		"answered and closed": {
			gateway: at(990*ms, func(p *pipe) { p.write(timeout); _ = p.Close() }),
			outcome: record.Complete, status: 408, done: 990 * ms,
		},
		"answered and left open": {
			gateway: at(990*ms, func(p *pipe) { p.write(whole("r-1")) }), outcome: record.Complete, status: 200, done: 990 * ms,
		},
		"answered while nothing is taken": {
			gateway: func(p *pipe) {
				_, _ = wire.ReadRequestHead(p.in)
				time.Sleep(990 * ms)
				p.write(timeout)
				time.Sleep(time.Hour)
			},
			outcome: record.Complete, status: 408, done: 990 * ms,
		},
		"hinted at": {
			gateway: at(990*ms, func(p *pipe) { p.write(head("103 Early Hints")); time.Sleep(time.Second); p.write(timeout) }),
			outcome: record.Complete, status: 408, done: 1990 * ms,
		},
		"closed": {
			gateway: at(990*ms, func(p *pipe) { _ = p.Close() }),
			outcome: record.Closed, done: 990 * ms, detail: "EOF; 95 of 250 bytes of the body were sent",
		},
		"truncated": {
			gateway: at(990*ms, func(p *pipe) { p.write("HTTP/1.1 4"); _ = p.Close() }),
			outcome: record.Truncated, done: 990 * ms, detail: "unexpected EOF; 95 of 250 bytes of the body were sent",
		},
		"timed out": {
			gateway: at(time.Hour, func(*pipe) {}), timeout: 990 * ms,
			outcome: record.TimedOut, done: 990 * ms, detail: "read pipe: i/o timeout; 95 of 250 bytes of the body were sent",
		},
		"cancelled": {
			gateway: at(time.Hour, func(*pipe) {}), cancel: 990 * ms,
			outcome: record.Hung, done: 990 * ms, detail: "read pipe: i/o timeout; 95 of 250 bytes of the body were sent",
		},
	} {
		t.Run(name, func(t *testing.T) {
			onFakeClock(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.cancel > 0 {
					time.AfterFunc(test.cancel, cancel)
				}
				s := piped(t, Rule{Do: SlowUpload, Rate: 100}, test.gateway)
				r := s.within(ctx, test.timeout, body250)
				assert.Equal(t, test.outcome, r.Outcome, r.Detail)
				assert.Equal(t, test.status, r.Status)
				assert.Equal(t, test.done, r.Done)
				assert.Equal(t, test.detail, r.Detail)
				assert.Equal(t, "the id", r.Injection)
				requireReceipt(t, s.Script, 1, 0)
				assert.Empty(t, s.idle.conns, "half a request is still due on it")
			})
		})
	}
}

// What is under way when a rule is lifted goes on as usual.
func TestLiftedWhileSlow(t *testing.T) {
	for _, do := range []Behaviour{SlowUpload, SlowReader} {
		onFakeClock(t, func(t *testing.T) {
			s := piped(t, Rule{Do: do, Rate: 100}, func(p *pipe) { p.write(whole(p.question())); p.question() })
			time.AfterFunc(990*ms, func() { s.Script.Lift("the id") })
			r := s.next(t, body250)
			assert.Equal(t, record.Complete, r.Outcome, r.Detail)
			assert.Equal(t, 990*ms, r.Done, do)
			assert.Equal(t, "the id", r.Injection)
			requireReceipt(t, s.Script, 1, 0)
		})
	}
}

// A rule that is lifted after it has chosen a request, and before it did anything to it, does nothing to it.
func TestLiftedBeforehand(t *testing.T) {
	for _, r := range everyBehaviour() {
		onFakeClock(t, func(t *testing.T) {
			s := piped(t, r, func(p *pipe) {
				p.question()
				time.Sleep(time.Hour)
				p.write(whole("r-1"))
			})
			p := Planned{Request: body250, ID: "r-1"}
			rule := s.Script.turn(&p)
			require.NotNil(t, rule, "it was chosen")
			s.Script.Lift("the id")
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
			defer cancel()
			s.send(ctx, &p, rule, 0, s.idle)
			seen := <-s.results
			assert.Equal(t, record.Complete, seen.Outcome, "%s: %s", r.Do, seen.Detail)
			assert.Equal(t, time.Hour, seen.Done)
			assert.Empty(t, seen.Injection)
			requireReceipt(t, s.Script, 0, 0)
		})
	}
}

// everyBehaviour is one rule of each behaviour.
func everyBehaviour() []Rule {
	return []Rule{
		{Do: AbortWhileWaiting, After: 100 * ms, By: FIN},
		{Do: AbortUpload, By: RST},
		{Do: AbortDownload, By: FIN},
		{Do: SlowUpload, Rate: 100},
		{Do: SlowReader, Rate: 100},
		{Do: HalfClose},
	}
}

// A break is exactly as late as it was asked for, and what comes before it is exactly what counts.
func TestPatienceOfAnAbort(t *testing.T) {
	rule := Rule{Do: AbortWhileWaiting, After: 3 * time.Second, By: FIN}
	for name, test := range map[string]struct {
		gateway   func(*pipe)
		outcome   record.Outcome
		done      time.Duration
		firstByte time.Duration
	}{
		"no answer": {func(p *pipe) { p.question(); p.question() }, record.Aborted, 3 * time.Second, 0},
		"just in time": {
			func(p *pipe) { p.question(); time.Sleep(2999 * ms); p.write(whole("r-1")) },
			record.Complete, 2999 * ms, 2999 * ms,
		},
		"begun in time": {
			func(p *pipe) {
				p.question()
				time.Sleep(2999 * ms)
				p.write("H")
				time.Sleep(time.Minute)
				p.write(strings.TrimPrefix(whole("r-1"), "H"))
			},
			record.Complete, time.Minute + 2999*ms, 2999 * ms,
		},
		"only hinted at in time": {
			func(p *pipe) { p.question(); time.Sleep(time.Second); p.write(head("103 Early Hints")); p.question() },
			record.Aborted, 3 * time.Second, time.Second,
		},
		"counted from the end of the request": {
			func(p *pipe) {
				_, _ = wire.ReadRequestHead(p.in)
				time.Sleep(time.Minute) // nothing is buffered, so the body waits
				p.drain()
			},
			record.Aborted, time.Minute + 3*time.Second, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			onFakeClock(t, func(t *testing.T) {
				large := body250
				large.Body = 64 << 10 // more than the gateway's reader takes with the head
				s := piped(t, rule, test.gateway)
				r := s.within(t.Context(), 0, large)
				assert.Equal(t, test.outcome, r.Outcome, r.Detail)
				assert.Equal(t, test.done, r.Done)
				assert.Equal(t, test.firstByte, r.FirstByte)
			})
		})
	}
}

// A broken-off run ends a request at once, however long its rule would have taken.
func TestCancelledMisbehaviour(t *testing.T) {
	for _, r := range []Rule{
		{Do: AbortWhileWaiting, After: time.Minute, By: RST}, {Do: SlowUpload, Rate: 1}, {Do: SlowReader, Rate: 1}, {Do: HalfClose},
	} {
		onFakeClock(t, func(t *testing.T) {
			s := piped(t, r, func(p *pipe) {
				p.question()
				if r.Do == SlowReader {
					p.write(whole("r-1"))
				}
				p.question()
			})
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(10*time.Second, cancel)
			seen := s.within(ctx, 0, body250)
			assert.Equal(t, record.Hung, seen.Outcome, "%s: %s", r.Do, seen.Detail)
			assert.Equal(t, 10*time.Second, seen.Done, r.Do)
		})
	}
}

func TestSlowReaderTakesItsTime(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		answer := head("200 OK", framed(strings.Repeat("x", 1000))) + strings.Repeat("x", 1000)
		handed := make(chan time.Duration, 2)
		s := piped(t, Rule{Do: SlowReader, Rate: 100}, func(p *pipe) {
			for p.question() != "" {
				time.Sleep(time.Second)
				p.write(answer)
				handed <- p.clock.Now()
			}
		})
		r := s.next(t, GET("/orders"))
		assert.Equal(t, record.Complete, r.Outcome, r.Detail)
		assert.EqualValues(t, 1000, r.Received)
		assert.Equal(t, time.Second, r.FirstByte, "it is seen when it comes")
		assert.InDelta(t, 1+float64(len(answer))/100, r.Done.Seconds(), 0.06, "but for the last step")
		assert.Equal(t, r.Done, <-handed, "the gateway cannot hand it over any faster")
		assert.Equal(t, "the id", r.Injection)
		requireReceipt(t, s.Script, 1, 0)

		s.Script.Lift("the id")
		began := s.Clock.Now()
		r = s.next(t, GET("/orders"))
		assert.Equal(t, "2/1", place(r), "a connection with a small window would slow down the next request")
		assert.Equal(t, began+time.Second, r.Done)
	})
}

// What becomes of an answer that is read slowly is told as of any other; of one that never began, nothing was slow.
func TestSlowReaderThatDoesNotFinish(t *testing.T) {
	answer := head("200 OK", framed(strings.Repeat("x", 1000))) + strings.Repeat("x", 500)
	for name, test := range map[string]struct {
		answer  string
		timeout time.Duration
		outcome record.Outcome
		touched int
	}{
		"truncated":          {answer, 0, record.Truncated, 1},
		"timed out":          {answer, time.Second, record.TimedOut, 1},
		"closed":             {"", 0, record.Closed, 0},
		"malformed":          {"Sorry\r\n", 0, record.Malformed, 1},
		"of another request": {whole("r-9"), 0, record.Crossed, 1},
	} {
		t.Run(name, func(t *testing.T) {
			onFakeClock(t, func(t *testing.T) {
				s := piped(t, Rule{Do: SlowReader, Rate: 100}, func(p *pipe) { p.question(); time.Sleep(ms); p.write(test.answer) })
				r := s.within(t.Context(), test.timeout, GET("/orders"))
				assert.Equal(t, test.outcome, r.Outcome, r.Detail)
				assert.Equal(t, test.touched == 1, r.Injection == "the id")
				requireReceipt(t, s.Script, test.touched, 0)
				if test.timeout > 0 {
					assert.Equal(t, test.timeout, r.Done)
				}
			})
		})
	}
}

// A gateway meets the back-pressure of a slow reader in its own send buffer: it can hand over little more than what has
// been read, where it could have handed over any amount.
func TestSlowReaderHoldsBackTheGateway(t *testing.T) {
	const rate, lasts = 64 << 10, 500 * ms
	handed := make(chan int, 1)
	g := serve(t, func(p *peer) {
		q, ok := p.request()
		if !ok {
			return
		}
		_ = p.tcp.SetWriteBuffer(16 << 10)
		p.write(head("200 OK", marks(q.id(), "")...))
		part, n := make([]byte, 4<<10), 0
		for {
			written, err := p.tcp.Write(part)
			n += written
			if err != nil {
				handed <- n
				return
			}
		}
	})
	for _, slow := range []bool{false, true} {
		s := step(t, g.address, KeepAlive)
		s.Script = &Script{}
		if slow {
			require.NoError(t, s.Script.Add(Rule{ID: "the id", Do: SlowReader, Rate: rate}))
		}
		r := s.within(t.Context(), lasts, GET("/orders"))
		assert.Equal(t, record.TimedOut, r.Outcome, r.Detail)
		took := <-handed
		t.Logf("slow reader %t: read %d, handed over %d", slow, r.Received, took)
		if slow {
			assert.LessOrEqual(t, r.Received, int64(rate*lasts/time.Second))
			assert.Less(t, took, 1<<20)
		} else {
			assert.Greater(t, took, 1<<20)
		}
	}
}
