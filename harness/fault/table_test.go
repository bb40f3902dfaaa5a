package fault_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/peer"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
)

const (
	idle = 30 * time.Millisecond
	held = time.Second
	// silence is how long nothing must come for the proof of a silence: far more than an answer takes.
	silence = 300 * time.Millisecond
)

// row is a fault with its proofs, which are the peer's: what the gateway sees at that address.
type row struct {
	fault         fault.Fault
	of            fault.Victims
	bites, spares func(t peer.T, address string)
	receipt       record.Receipt // but for its probe
}

var (
	oneEnded   = record.Receipt{Connections: 1, Requests: 1}
	oneTouched = record.Receipt{Requests: 1}
	oneCheck   = record.Receipt{Checks: 1}
	oneClosed  = record.Receipt{Connections: 1}
	uncounted  = record.Receipt{Uncounted: true}
)

// Every fault that acts on a replica has its rows here.
var table = map[string]row{
	"CloseOnReuse by FIN":     {fault: fault.CloseOnReuse{By: fault.FIN}, bites: cutOnReuse(fault.FIN), spares: reused, receipt: oneEnded},
	"CloseOnReuse by RST":     {fault: fault.CloseOnReuse{By: fault.RST, Executed: true}, bites: cutOnReuse(fault.RST), spares: reused, receipt: oneEnded},
	"CloseOnReuse, announced": {fault: fault.CloseOnReuse{By: fault.FIN, Announced: true}, bites: announcedThenCut, spares: reused, receipt: oneEnded},
	"CloseOnReuse after idling": {
		fault: fault.CloseOnReuse{By: fault.FIN, Idle: idle}, bites: cutAfterIdling, spares: kept, receipt: oneEnded,
	},
	"CloseAfterResponse by FIN": {fault: fault.CloseAfterResponse{By: fault.FIN}, bites: closedAfter(1, fault.FIN), spares: kept, receipt: oneClosed},
	"CloseAfterResponse by RST, later": {
		fault: fault.CloseAfterResponse{By: fault.RST, After: idle}, bites: closedAfter(1, fault.RST), spares: kept, receipt: oneClosed,
	},
	"CloseAfterResponse, late request": {
		fault: fault.CloseAfterResponse{By: fault.FIN, After: silence}, bites: lateRequest, spares: kept, receipt: oneEnded,
	},
	"CloseAfterResponse, three, announced": {
		fault: fault.CloseAfterResponse{By: fault.FIN, Requests: 3, Announced: true}, bites: thirdAnnounces, spares: kept, receipt: oneClosed,
	},
	"IdleTimeout by FIN":     {fault: fault.IdleTimeout{After: idle, By: fault.FIN}, bites: closedIdle(fault.FIN), spares: kept, receipt: oneClosed},
	"IdleTimeout by RST":     {fault: fault.IdleTimeout{After: idle, By: fault.RST}, bites: closedIdle(fault.RST), spares: kept, receipt: oneClosed},
	"IdleTimeout, announced": {fault: fault.IdleTimeout{After: idle, By: fault.FIN, Announced: true}, bites: announcedThenIdle, spares: kept, receipt: oneClosed},
	"UnsolicitedTimeout":     {fault: fault.UnsolicitedTimeout{After: idle}, bites: unsolicited, spares: kept, receipt: oneClosed},
	"StaleWindow":            {fault: fault.StaleWindow{After: idle, Held: held}, bites: stale, spares: kept, receipt: oneEnded},

	"CloseBeforeResponse by FIN":         {fault: fault.CloseBeforeResponse{By: fault.FIN}, bites: cut(fault.FIN), spares: reused, receipt: oneEnded},
	"CloseBeforeResponse by RST":         {fault: fault.CloseBeforeResponse{By: fault.RST, Executed: true}, bites: cut(fault.RST), spares: reused, receipt: oneEnded},
	"CloseBeforeResponse by FIN, unread": {fault: fault.CloseBeforeResponse{By: fault.FIN, Unread: true}, bites: cutUpload(fault.FIN), spares: uploaded, receipt: oneEnded},
	"CloseBeforeResponse by RST, unread": {fault: fault.CloseBeforeResponse{By: fault.RST, Unread: true}, bites: cutUpload(fault.RST), spares: uploaded, receipt: oneEnded},
	"CloseInHead, status line":           {fault: fault.CloseInHead{At: fault.InStatusLine, By: fault.FIN}, bites: beginsOnly("HTTP/1.1", "\r\n"), spares: reused, receipt: oneEnded},
	"CloseInHead, headers":               {fault: fault.CloseInHead{At: fault.InHeaders, By: fault.FIN}, bites: beginsOnly("HTTP/1.1 200 OK\r\n", "\r\n\r\n"), spares: reused, receipt: oneEnded},
	"CloseInHead, after the headers":     {fault: fault.CloseInHead{At: fault.AfterHeaders, By: fault.FIN}, bites: truncated(0), spares: reused, receipt: oneEnded},
	"CloseInHead by RST":                 {fault: fault.CloseInHead{At: fault.InHeaders, By: fault.RST}, bites: cut(fault.RST), spares: reused, receipt: oneEnded},
	"CloseInBody by FIN":                 {fault: fault.CloseInBody{By: fault.FIN}, bites: truncated(32), spares: reused, receipt: oneEnded},
	"CloseInBody behind a byte":          {fault: fault.CloseInBody{By: fault.FIN, Byte: 10}, bites: truncated(10), spares: reused, receipt: oneEnded},
	"CloseInBody by RST":                 {fault: fault.CloseInBody{By: fault.RST}, bites: cut(fault.RST), spares: reused, receipt: oneEnded},
	"CloseInBody, chunks":                {fault: fault.CloseInBody{By: fault.FIN, Framing: fault.ByChunks}, bites: truncatedChunks, spares: reused, receipt: oneEnded},
	"CloseInBody, by close":              {fault: fault.CloseInBody{By: fault.FIN, Framing: fault.ByClose}, bites: shorterThanMarked, spares: reused, receipt: oneEnded},

	"DelayResponse":            {fault: fault.DelayResponse{For: silence}, bites: slowly, spares: reused, receipt: oneTouched},
	"DelayResponse, headers":   {fault: fault.DelayResponse{For: silence, At: fault.InHeaders}, bites: slowly, spares: reused, receipt: oneTouched},
	"DelayResponse, body":      {fault: fault.DelayResponse{For: silence, At: fault.InBody}, bites: slowly, spares: reused, receipt: oneTouched},
	"HangResponse":             {fault: fault.HangResponse{}, bites: hangs("^$"), spares: reused, receipt: oneEnded},
	"HangResponse, headers":    {fault: fault.HangResponse{At: fault.InHeaders}, bites: hangs(`^HTTP/1.1 200 OK\r\n([^\r\n]+\r\n)+[^\r\n]*$`), spares: reused, receipt: oneEnded},
	"HangResponse, body":       {fault: fault.HangResponse{At: fault.InBody}, bites: hangs(`^HTTP/1.1 200 OK\r\n([^\r\n]+\r\n)+\r\n(?s:.{32})$`), spares: reused, receipt: oneEnded},
	"HangResponse, no reading": {fault: fault.HangResponse{At: fault.BeforeBody}, bites: uploadStalls, spares: uploaded, receipt: oneEnded},
	"DripResponse":             {fault: fault.DripResponse{Every: 10 * time.Millisecond, From: fault.InBody}, bites: slowly, spares: reused, receipt: oneTouched},
	"QueueRequests":            {fault: fault.QueueRequests{Service: 100 * time.Millisecond, Servers: 1}, bites: threeQueue, spares: reused, receipt: record.Receipt{Requests: 3}},

	"MalformResponse, status line": {fault: fault.MalformResponse{As: fault.BadStatusLine}, bites: malformed, spares: reused, receipt: oneTouched},
	"MalformResponse, two digits":  {fault: fault.MalformResponse{As: fault.ShortStatus}, bites: malformed, spares: reused, receipt: oneTouched},
	"MalformResponse, version":     {fault: fault.MalformResponse{As: fault.OtherVersion}, bites: malformed, spares: reused, receipt: oneTouched},
	"MalformResponse, header":      {fault: fault.MalformResponse{As: fault.BadHeader}, bites: malformed, spares: reused, receipt: oneTouched},
	"MalformResponse, two lengths": {fault: fault.MalformResponse{As: fault.TwoLengths}, bites: malformed, spares: reused, receipt: oneTouched},
	"MalformResponse, length and chunks": {
		fault: fault.MalformResponse{As: fault.LengthAndChunks}, bites: headHas("Content-Length", "7", "Transfer-Encoding", "chunked"), spares: reused, receipt: oneTouched,
	},
	"OversizeHeaders":       {fault: fault.OversizeHeaders{Bytes: 20_000}, bites: longHead, spares: reused, receipt: oneTouched},
	"InterimResponse":       {fault: fault.InterimResponse{Status: 103}, bites: interim(103), spares: reused, receipt: oneTouched},
	"EarlyResponse by FIN":  {fault: fault.EarlyResponse{Status: 413, By: fault.FIN}, bites: early(fault.FIN), spares: uploaded, receipt: oneEnded},
	"EarlyResponse by RST":  {fault: fault.EarlyResponse{Status: 413, By: fault.RST}, bites: early(fault.RST), spares: uploaded, receipt: oneEnded},
	"WithholdContinue":      {fault: fault.WithholdContinue{}, bites: noContinue, spares: continues, receipt: oneTouched},
	"ErrorStatus":           {fault: fault.ErrorStatus{Status: 503}, bites: statuses("a", 503), spares: reused, receipt: oneTouched},
	"ErrorStatus, to retry": {fault: fault.ErrorStatus{Status: 503, RetryAfter: 2 * time.Second}, bites: headHas("Retry-After", "2"), spares: reused, receipt: oneTouched},
	"HTTP10Response":        {fault: fault.HTTP10Response{}, bites: http10, spares: reused, receipt: oneTouched},
	"FailHealthChecks":      {fault: fault.FailHealthChecks{Status: 503}, bites: ready(503), spares: ready(200), receipt: oneCheck},

	"RefuseConnections":    {fault: fault.RefuseConnections{}, bites: refused, spares: reused, receipt: uncounted},
	"FillAcceptQueue":      {fault: fault.FillAcceptQueue{}, bites: unanswered, spares: reused, receipt: uncounted},
	"AbandonBacklog":       {fault: fault.AbandonBacklog{}, bites: unread, spares: reused, receipt: uncounted},
	"CloseOnAccept by FIN": {fault: fault.CloseOnAccept{By: fault.FIN}, bites: accepted(fault.FIN), spares: reused, receipt: oneClosed},
	"CloseOnAccept by RST": {fault: fault.CloseOnAccept{By: fault.RST}, bites: accepted(fault.RST), spares: reused, receipt: oneClosed},

	"LinkLatency":   {fault: fault.LinkLatency{Latency: silence}, bites: slowly, spares: quickly, receipt: uncounted},
	"LinkBandwidth": {fault: fault.LinkBandwidth{KBps: 1}, bites: aByteAMillisecond, spares: quickly, receipt: uncounted},
	"LinkSlicer":    {fault: fault.LinkSlicer{Size: 1, Delay: time.Millisecond}, bites: aByteAMillisecond, spares: quickly, receipt: uncounted},
	"LinkCut":       {fault: fault.LinkCut{After: 10}, bites: beginsOnly("HTTP/1.1 2", "00"), spares: reused, receipt: uncounted},
	"LinkBlackHole": {fault: fault.LinkBlackHole{}, bites: hangs("^$"), spares: reused, receipt: uncounted},
	"LinkDown":      {fault: fault.LinkDown{}, bites: refused, spares: reused, receipt: uncounted},

	"victims: every second request": {
		fault: fault.ErrorStatus{Status: 503}, of: fault.EveryRequest(2), bites: statuses("abcde", 200, 503, 200, 503, 200), spares: reused, receipt: record.Receipt{Requests: 2},
	},
	"victims: the third": {
		fault: fault.ErrorStatus{Status: 503}, of: fault.NthRequest(3), bites: statuses("abcd", 200, 200, 503, 200), spares: reused, receipt: oneTouched,
	},
	"victims: first attempts": {
		fault: fault.ErrorStatus{Status: 503}, of: fault.FirstAttempts(2), bites: statuses("aabaabb", 503, 503, 503, 200, 200, 503, 200), spares: reused, receipt: record.Receipt{Requests: 4},
	},
	"victims: by path": {
		fault: fault.ErrorStatus{Status: 503}, of: fault.All().OfPath("/orders").UpTo(1), bites: statuses("ab", 503, 200), spares: reused, receipt: oneTouched,
	},
	"victims: after some": {
		fault: fault.CloseBeforeResponse{By: fault.FIN}, of: fault.All().AfterFirst(3).UpTo(1), bites: fourthIsCut, spares: reused, receipt: oneEnded,
	},
	"victims: every second connection": {
		fault: fault.CloseOnAccept{By: fault.FIN}, of: fault.EveryConnection(2), bites: secondConnection, spares: reused, receipt: oneClosed,
	},
	"victims: flipping health": {
		fault: fault.FailHealthChecks{Status: 500}, of: fault.EveryRequest(2), bites: flips, spares: ready(200), receipt: oneCheck,
	},
}

const upload = 5

func ask(p *peer.Peer) error { return p.Ask("r", wire.Answer+": 64") }

func dialAndAsk(t peer.T, address string, answers int) *peer.Peer {
	t.Helper()
	p := peer.Dial(t, address)
	for range answers {
		require.NoError(t, ask(p))
	}
	return p
}

// reused requires a connection to carry several requests.
func reused(t peer.T, address string) { dialAndAsk(t, address, 3) }

// kept requires an unused connection to stay open, and to be usable again.
func kept(t peer.T, address string) {
	p := dialAndAsk(t, address, 1)
	p.RequireQuiet(t, 3*idle)
	require.NoError(t, ask(p))
}

func cut(by fault.End) func(peer.T, string) {
	return func(t peer.T, address string) { peer.RequireEnd(t, by, head(peer.Dial(t, address))) }
}

// head asks for an answer, and reads on until the connection ends; a reset may overtake what was sent before it.
func head(p *peer.Peer) error {
	if _, err := io.WriteString(p.TCP, peer.Get("r", wire.Answer+": 64")); err != nil {
		return err
	}
	err := error(nil)
	for err == nil {
		_ = p.TCP.SetReadDeadline(time.Now().Add(silence))
		_, err = p.In.ReadByte()
	}
	return err
}

func cutOnReuse(by fault.End) func(peer.T, string) {
	return func(t peer.T, address string) { peer.RequireEnd(t, by, ask(dialAndAsk(t, address, 1))) }
}

func announcedThenCut(t peer.T, address string) {
	p := peer.Dial(t, address)
	p.Send(t, peer.Get("r"))
	head, _ := p.Answer(t, "GET")
	require.True(t, head.Has("Connection", "close"))
	p.RequireQuiet(t, 3*idle)
	peer.RequireEnd(t, fault.FIN, ask(p))
}

func announcedThenIdle(t peer.T, address string) {
	p := peer.Dial(t, address)
	p.Send(t, peer.Get("r"))
	head, _ := p.Answer(t, "GET")
	require.True(t, head.Has("Connection", "close"))
	peer.RequireEnd(t, fault.FIN, p.End())
}

func cutAfterIdling(t peer.T, address string) {
	p := dialAndAsk(t, address, 1)
	p.RequireQuiet(t, 2*idle)
	peer.RequireEnd(t, fault.FIN, ask(p))
}

func closedAfter(answers int, by fault.End) func(peer.T, string) {
	return func(t peer.T, address string) {
		p := dialAndAsk(t, address, answers)
		require.NoError(t, p.TCP.SetReadDeadline(time.Now().Add(10*idle)))
		peer.RequireEnd(t, by, p.End())
	}
}

func lateRequest(t peer.T, address string) {
	p := dialAndAsk(t, address, 1)
	p.Send(t, peer.Get("late"))
	peer.RequireEnd(t, fault.FIN, p.End())
}

func thirdAnnounces(t peer.T, address string) {
	p := dialAndAsk(t, address, 2)
	p.Send(t, peer.Get("r"))
	head, _ := p.Answer(t, "GET")
	require.True(t, head.Has("Connection", "close"))
	peer.RequireEnd(t, fault.FIN, p.End())
}

// closedIdle requires an unused connection to end, not before its time.
func closedIdle(by fault.End) func(peer.T, string) {
	return func(t peer.T, address string) {
		began := time.Now()
		closedAfter(1, by)(t, address)
		assert.GreaterOrEqual(t, time.Since(began), idle)
	}
}

func unsolicited(t peer.T, address string) {
	p := dialAndAsk(t, address, 1)
	require.NoError(t, p.TCP.SetReadDeadline(time.Now().Add(10*idle)))
	head, _ := p.Answer(t, "GET")
	require.Equal(t, 408, head.Status())
	peer.RequireEnd(t, fault.FIN, p.End())
}

// stale requires a connection that its backend has closed to look alive, to take a request, and to end without an answer
// once the FIN has been held back for its time.
func stale(t peer.T, address string) {
	began := time.Now()
	p := dialAndAsk(t, address, 1)
	p.RequireQuiet(t, held/2) // the backend has closed it long ago
	p.Send(t, peer.Get("r"))
	peer.RequireEnd(t, fault.FIN, p.End())
	assert.GreaterOrEqual(t, time.Since(began), idle+held)
}

// post is the head of an upload; its body follows.
func post(lines ...string) string {
	return peer.Head("POST", "r", strings.Repeat("x", upload), append(lines, fmt.Sprintf("Content-Length: %d", upload))...)
}

func uploaded(t peer.T, address string) {
	p := peer.Dial(t, address)
	p.Send(t, post()+strings.Repeat("x", upload))
	head, _ := p.Answer(t, "POST")
	require.Equal(t, 200, head.Status())
}

func cutUpload(by fault.End) func(peer.T, string) {
	return func(t peer.T, address string) {
		p := peer.Dial(t, address)
		p.Send(t, post()) // whoever reads the body waits for it
		require.NoError(t, p.TCP.SetReadDeadline(time.Now().Add(silence)))
		peer.RequireEnd(t, by, p.End())
	}
}

// everything reads what comes until the connection ends in order.
func everything(t peer.T, address string) string {
	p := peer.Dial(t, address)
	p.Send(t, peer.Get("r", wire.Answer+": 64"))
	require.NoError(t, p.TCP.SetReadDeadline(time.Now().Add(silence)))
	text, err := io.ReadAll(p.In)
	require.NoError(t, err)
	return string(text)
}

func beginsOnly(with, without string) func(peer.T, string) {
	return func(t peer.T, address string) {
		text := everything(t, address)
		require.True(t, strings.HasPrefix(text, with), text)
		require.NotContains(t, text, without)
	}
}

func truncated(size int) func(peer.T, string) {
	return func(t peer.T, address string) {
		head, body, found := strings.Cut(everything(t, address), "\r\n\r\n")
		require.True(t, found)
		require.Contains(t, head, "Content-Length: 64")
		require.Len(t, body, size)
	}
}

func truncatedChunks(t peer.T, address string) {
	head, body, _ := strings.Cut(everything(t, address), "\r\n\r\n")
	require.Contains(t, head, "Transfer-Encoding: chunked")
	require.True(t, strings.HasPrefix(body, "40\r\n"), body)
	require.NotContains(t, body, "\r\n0\r\n")
}

func shorterThanMarked(t peer.T, address string) {
	head, body, _ := strings.Cut(everything(t, address), "\r\n\r\n")
	require.NotContains(t, head, "Content-Length:")
	require.Contains(t, head, wire.Length+": 64")
	require.Len(t, body, 32)
}

func slowly(t peer.T, address string) {
	began := time.Now()
	require.NoError(t, ask(peer.Dial(t, address)))
	require.GreaterOrEqual(t, time.Since(began), silence*9/10)
}

// hangs requires what comes to be this, a regular expression, and then nothing.
func hangs(behind string) func(peer.T, string) {
	return func(t peer.T, address string) {
		p := peer.Dial(t, address)
		p.Send(t, peer.Get("r", wire.Answer+": 64"))
		require.NoError(t, p.TCP.SetReadDeadline(time.Now().Add(silence)))
		text, err := io.ReadAll(p.In)
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		require.True(t, timeout.Timeout(), "%v", err)
		require.Regexp(t, behind, string(text))
	}
}

func uploadStalls(t peer.T, address string) {
	p := peer.Dial(t, address)
	const size = 64 << 20
	p.Send(t, peer.Head("POST", "r", "", fmt.Sprintf("Content-Length: %d", size)))
	require.NoError(t, p.TCP.SetWriteDeadline(time.Now().Add(3*silence)))
	_, err := p.TCP.Write(make([]byte, size))
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout(), "%v", err)
}

// aByteAMillisecond requires an answer to take no less than that.
func aByteAMillisecond(t peer.T, address string) {
	began := time.Now()
	p := peer.Dial(t, address)
	p.Send(t, peer.Get("r", wire.Answer+": 512"))
	_, body := p.Answer(t, "GET")
	require.GreaterOrEqual(t, time.Since(began), time.Duration(body.Size)*time.Millisecond)
}

// quickly requires an answer to take less than what makes a link slow here.
func quickly(t peer.T, address string) {
	began := time.Now()
	require.NoError(t, ask(peer.Dial(t, address)))
	require.Less(t, time.Since(began), silence)
}

func threeQueue(t peer.T, address string) {
	began := time.Now()
	var asking sync.WaitGroup
	for range 3 {
		p := peer.Dial(t, address)
		asking.Go(func() { assert.NoError(t, ask(p)) })
	}
	asking.Wait()
	require.GreaterOrEqual(t, time.Since(began), 3*100*time.Millisecond)
}

func malformed(t peer.T, address string) {
	require.ErrorIs(t, ask(peer.Dial(t, address)), wire.ErrMalformed)
}

func headHas(pairs ...string) func(peer.T, string) {
	return func(t peer.T, address string) {
		p := peer.Dial(t, address)
		p.Send(t, peer.Get("r"))
		head, err := wire.ReadResponseHead(p.In)
		require.NoError(t, err)
		for i := 0; i < len(pairs); i += 2 {
			require.Equal(t, pairs[i+1], head.Get(pairs[i]))
		}
	}
}

func longHead(t peer.T, address string) {
	p := peer.Dial(t, address)
	p.Send(t, peer.Get("r"))
	head, err := wire.ReadResponseHead(p.In)
	require.NoError(t, err)
	size := 0
	for _, f := range head.Fields {
		size += len(f.Name) + len(f.Value) + 4
	}
	require.Greater(t, size, 20_000)
	require.Less(t, size, 21_000)
}

func interim(status int) func(peer.T, string) {
	return func(t peer.T, address string) {
		p := peer.Dial(t, address)
		p.Send(t, peer.Get("r"))
		head, err := wire.ReadResponseHead(p.In)
		require.NoError(t, err)
		require.Equal(t, status, head.Status())
		head, _ = p.Answer(t, "GET")
		require.Equal(t, 200, head.Status())
	}
}

func early(by fault.End) func(peer.T, string) {
	return func(t peer.T, address string) {
		p := peer.Dial(t, address)
		p.Send(t, post())
		require.NoError(t, p.TCP.SetReadDeadline(time.Now().Add(silence)))
		head, _ := p.Answer(t, "POST")
		require.Equal(t, 413, head.Status())
		require.True(t, head.Has("Connection", "close"))
		peer.RequireEnd(t, by, p.End())
	}
}

func expecting(t peer.T, address string) *peer.Peer {
	p := peer.Dial(t, address)
	p.Send(t, post("Expect: 100-continue"))
	return p
}

func noContinue(t peer.T, address string) {
	p := expecting(t, address)
	p.RequireQuiet(t, silence)
	p.Send(t, strings.Repeat("x", upload))
	head, _ := p.Answer(t, "POST")
	require.Equal(t, 200, head.Status())
}

func continues(t peer.T, address string) {
	p := expecting(t, address)
	head, err := wire.ReadResponseHead(p.In)
	require.NoError(t, err)
	require.Equal(t, http.StatusContinue, head.Status())
	p.Send(t, strings.Repeat("x", upload))
	p.Answer(t, "POST")
}

// statuses sends a request for each letter, which is its id, on one connection.
func statuses(ids string, want ...int) func(peer.T, string) {
	return func(t peer.T, address string) {
		p := peer.Dial(t, address)
		var got []int
		for _, id := range ids {
			p.Send(t, peer.Get(string(id)))
			head, _ := p.Answer(t, "GET")
			got = append(got, head.Status())
		}
		require.Equal(t, want, got)
	}
}

func fourthIsCut(t peer.T, address string) {
	p := dialAndAsk(t, address, 3)
	peer.RequireEnd(t, fault.FIN, ask(p))
	dialAndAsk(t, address, 2)
}

func http10(t peer.T, address string) {
	p := peer.Dial(t, address)
	p.Send(t, peer.Get("r", wire.Answer+": 64"+wire.Chunked))
	head, body := p.Answer(t, "GET")
	require.Equal(t, "HTTP/1.0", head.Start[0])
	require.True(t, body.UntilClose, "there are no chunks in HTTP/1.0")
	peer.RequireEnd(t, fault.FIN, p.End())
}

func isReady(t peer.T, address string) int {
	status, err := wire.Ask(peer.Dial(t, address).TCP, wire.ReadyPath)
	require.NoError(t, err)
	return status
}

func ready(status int) func(peer.T, string) {
	return func(t peer.T, address string) { require.Equal(t, status, isReady(t, address)) }
}

func flips(t peer.T, address string) {
	require.Equal(t, []int{200, 500, 200}, []int{isReady(t, address), isReady(t, address), isReady(t, address)})
}

func refused(t peer.T, address string) {
	_, err := net.DialTimeout("tcp", address, peer.Patience)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func unanswered(t peer.T, address string) {
	conn, err := net.DialTimeout("tcp", address, silence)
	if err == nil {
		_ = conn.Close()
	}
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout(), "%v", err)
}

// unread requires a new connection to take a request, and not to answer it.
func unread(t peer.T, address string) {
	p := peer.Dial(t, address)
	p.Send(t, peer.Get("r"))
	p.RequireQuiet(t, silence)
}

// accepted requires a new connection to be ended at once. A reset may come before the kernel has told of the connection.
func accepted(by fault.End) func(peer.T, string) {
	return func(t peer.T, address string) { peer.RequireEnd(t, by, endOfNew(t, address)) }
}

func endOfNew(t peer.T, address string) error {
	conn, err := net.DialTimeout("tcp", address, peer.Patience)
	if err != nil {
		return err
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

func secondConnection(t peer.T, address string) {
	var timeout net.Error
	require.True(t, errors.As(endOfNew(t, address), &timeout) && timeout.Timeout(), "the first stays")
	peer.RequireEnd(t, fault.FIN, endOfNew(t, address))
}
