package load

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
)

var expecting = Request{Method: "POST", Path: "/orders", Body: len(form), Answer: 128, ExpectContinue: true}

// The body waits for a 100, for a second at most; a final answer in its place is the answer, and the body is never sent.
func TestExpectContinue(t *testing.T) {
	goOn := head("100 Continue")
	for name, test := range map[string]struct {
		replies []string // to the head, 300 ms apart
		closes  bool     // after the replies
		body    time.Duration
		outcome record.Outcome
		status  int
		first   time.Duration // when the answer began; a 100 that was asked for is no part of it
		again   bool          // the connection is used again
	}{
		"told to go on":       {[]string{goOn}, false, 300 * ms, record.Complete, 200, 300 * ms, true},
		"told nothing":        {nil, false, time.Second, record.Complete, 200, time.Second, true},
		"told too late":       {[]string{"", "", "", goOn}, false, time.Second, record.Complete, 200, 1200 * ms, true},
		"hinted at first":     {[]string{head("103 Early Hints"), goOn}, false, 600 * ms, record.Complete, 200, 300 * ms, true},
		"told in two parts":   {[]string{goOn[:9], goOn[9:]}, false, 600 * ms, record.Complete, 200, 600 * ms, true},
		"refused":             {[]string{head("417 Expectation Failed", framed(""))}, false, 0, record.Complete, 417, 300 * ms, false},
		"answered at once":    {[]string{whole("r-1")}, false, 0, record.Complete, 200, 300 * ms, false},
		"answered in part":    {[]string{head("413 Content Too Large", framed("no")), "no"}, false, 0, record.Complete, 413, 300 * ms, false},
		"closed":              {nil, true, 0, record.Closed, 0, 0, false},
		"closed in the 100":   {[]string{goOn[:9]}, true, 0, record.Truncated, 0, 300 * ms, false},
		"answered with words": {[]string{"Sorry\r\n"}, false, 0, record.Malformed, 0, 300 * ms, false},
	} {
		t.Run(name, func(t *testing.T) {
			onFakeClock(t, func(t *testing.T) {
				var body time.Duration
				s := piped(t, Rule{}, func(p *pipe) {
					head, err := wire.ReadRequestHead(p.in)
					assert.NoError(t, err)
					assert.Equal(t, "100-continue", head.Get("Expect"))
					assert.Zero(t, p.in.Buffered(), "of the body")
					told := make(chan struct{})
					go func() {
						defer close(told)
						for _, reply := range test.replies {
							time.Sleep(300 * ms)
							p.write(reply)
						}
						if test.closes {
							_ = p.Close()
						}
					}()
					got := make([]byte, len(form))
					if _, err := p.in.Read(got); err != nil {
						return
					}
					body = p.clock.Now()
					assert.Equal(t, form, string(got))
					<-told
					p.write(whole("r-1"))
					p.question()
				})
				r := s.next(t, expecting)
				assert.Equal(t, test.outcome, r.Outcome, r.Detail)
				assert.Equal(t, test.status, r.Status)
				assert.Equal(t, test.body, body)
				assert.Equal(t, test.first, r.FirstByte)
				assert.Len(t, s.idle.conns, map[bool]int{true: 1}[test.again])
			})
		})
	}
}

// The client's own deadline is not put off by waiting for a 100.
func TestTimeoutBeforeContinue(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		s := piped(t, Rule{}, func(p *pipe) { p.question() })
		r := s.within(t.Context(), 400*ms, expecting)
		assert.Equal(t, record.TimedOut, r.Outcome, r.Detail)
		assert.Equal(t, 400*ms, r.Done)
	})
}

// HTTP/1.0 knows no interim answers, so nobody asks for one.
func TestNoExpectationInHTTP10(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		s := piped(t, Rule{}, func(p *pipe) {
			head, err := wire.ReadRequestHead(p.in)
			assert.NoError(t, err)
			assert.Empty(t, head.Get("Expect"))
			_, err = wire.ReadRequestBody(p.in, head)
			assert.NoError(t, err)
			p.write(whole("r-1"))
		})
		s.connections = PerRequestHTTP10
		r := s.next(t, expecting)
		assert.Equal(t, record.Complete, r.Outcome, r.Detail)
		assert.Zero(t, r.Done)
	})
}

// fate is what becomes of a victim, and whether the rule touched it.
type fate struct {
	outcome record.Outcome
	touched bool
}

// A victim that asks first misbehaves once it was told to go on; one that is refused has no body to misbehave with.
func TestMisbehaviourAfterContinue(t *testing.T) {
	gateways := map[string]func(*pipe){
		"goes on and answers": func(p *pipe) {
			head, _ := wire.ReadRequestHead(p.in)
			p.write("HTTP/1.1 100 Continue\r\n\r\n")
			if _, err := wire.ReadRequestBody(p.in, head); err == nil {
				p.write(whole("r-1"))
				p.question()
			}
		},
		"goes on, and no further": func(p *pipe) {
			_, _ = wire.ReadRequestHead(p.in)
			p.write("HTTP/1.1 100 Continue\r\n\r\n")
			p.drain()
		},
		"refuses": func(p *pipe) {
			_, _ = wire.ReadRequestHead(p.in)
			p.write(head("401 Unauthorized", framed("")))
			p.drain()
		},
	}
	usual := fate{record.Complete, false}
	for _, test := range []struct {
		rule                     Rule
		answers, silent, refuses fate
	}{
		{Rule{Do: AbortWhileWaiting, After: ms, By: FIN}, usual, fate{record.Aborted, true}, usual},
		{Rule{Do: AbortUpload, By: RST}, fate{record.Aborted, true}, fate{record.Aborted, true}, usual},
		{Rule{Do: AbortDownload, By: FIN}, fate{record.Aborted, true}, fate{record.TimedOut, false}, usual},
		{Rule{Do: SlowUpload, Rate: 100}, fate{record.Complete, true}, fate{record.TimedOut, true}, usual},
		{Rule{Do: SlowReader, Rate: 100}, fate{record.Complete, true}, fate{record.TimedOut, true}, fate{record.Complete, true}},
	} {
		for name, want := range map[string]fate{
			"goes on and answers": test.answers, "goes on, and no further": test.silent, "refuses": test.refuses,
		} {
			t.Run(fmt.Sprintf("%s, the gateway %s", test.rule.Do, name), func(t *testing.T) {
				onFakeClock(t, func(t *testing.T) {
					s := piped(t, test.rule, gateways[name])
					r := s.within(t.Context(), time.Minute, expecting)
					assert.Equal(t, want, fate{r.Outcome, r.Injection == "the id"}, r.Detail)
					receipt, err := s.Script.Receipt("the id")
					require.NoError(t, err)
					assert.Equal(t, want.touched, receipt.Requests == 1)
					assert.Equal(t, want.outcome == record.Aborted, receipt.Connections == 1)
				})
			})
		}
	}
}
