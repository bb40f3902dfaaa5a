package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
)

// trip is one request on its way to the gateway, and its answer on the way back:
//
//	        no 100 in time
//	head ------------------> body --------> answer
//	  |  100 Continue          |              |
//	  |                        | AbortUpload  | AbortWhileWaiting, AbortDownload
//	  | a final answer         v              v
//	  +---> answer        broken off     broken off
//
// Without an expectation head and body are one write.
type trip struct {
	*conn
	line    *line
	request *Planned
	seen    *record.Request
	// rule is what the client does to the request instead of what it usually does; nil if nothing.
	rule     *scripted
	deadline time.Time

	slow     *upload   // nil if the body goes at once
	sentAt   time.Time // if there is a rule
	whole    bool      // the request was sent to its end
	crossed  string    // the request whose answer came, if it was cut short and is another's
	spent    bool      // the connection cannot be used again, whatever the answer says
	writeErr error
}

// make sends the request and reads its answer into seen; it reports whether the connection can be used again.
func (t *trip) make(ctx context.Context, runEnds bool) (reusable bool) {
	if err := t.setDeadline(ctx, t.deadline); err != nil {
		t.seen.Outcome, t.seen.Detail = record.Closed, err.Error()
		return false
	}
	if t.rule.does(SlowReader) {
		t.readSlowly(ctx)
	}
	t.seen.Sent = t.line.Clock.Now()
	head, err := t.send(ctx)
	return t.end(ctx, head, err, runEnds)
}

// end reads the answer, or what is left to read of it: its head may have come already, and so may the error that ended it.
func (t *trip) end(ctx context.Context, head *wire.Head, err error, runEnds bool) (reusable bool) {
	if head == nil && err == nil {
		head, err = t.readHead(ctx)
	}
	if err == nil {
		t.seen.Status = head.Status()
		t.seen.Backend = t.answeredBy(head.Get(wire.Backend))
		reusable, err = t.readBody(head)
	}
	t.finish()
	if err != nil {
		t.fail(err, runEnds || ctx.Err() != nil)
		return false
	}
	return reusable && t.whole && !t.spent && t.line.connections.way == ""
}

// send sends the request. A failed write is not yet an outcome: a gateway may have answered and closed without reading
// the body, and the answer, or the way the connection ended, is still to be read. A head is returned if an answer came
// in place of the 100 that the client waited for.
func (t *trip) send(ctx context.Context) (*wire.Head, error) {
	head, body := t.encode(t.request, t.line.Address, t.line.connections)
	if t.request.expects(t.line.connections) {
		t.write(head)
		if answer, err := t.awaitContinue(ctx); answer != nil || err != nil {
			return answer, err
		}
		head = nil
	}
	switch {
	case t.rule.does(AbortUpload):
		rest, err := t.sendPart(head, body)
		if err != nil {
			return nil, err
		}
		head, body = nil, rest
	case t.rule.does(SlowUpload):
		if t.write(head) && t.rule.touch(t.seen) {
			t.sendSlowly(ctx, body)
			return nil, nil
		}
		head = nil
	}
	t.whole = t.write(append(head, body...))
	if t.rule != nil {
		t.sentAt = time.Now()
	}
	if t.rule.does(HalfClose) {
		t.closeWrite()
	}
	return nil, nil
}

// write reports whether everything could be written so far.
func (t *trip) write(bytes []byte) bool {
	if t.writeErr == nil && len(bytes) > 0 {
		_, t.writeErr = t.tcp.Write(bytes)
	}
	return t.writeErr == nil
}

// continueWithin is how long the client waits for a 100 Continue before it sends the body all the same (RFC 9110, section
// 10.1.1: not for ever).
const continueWithin = time.Second

// awaitContinue waits for the 100 that the request has asked for; it is no part of the answer. A final head is the answer's.
func (t *trip) awaitContinue(ctx context.Context) (*wire.Head, error) {
	until := time.Now().Add(continueWithin)
	for {
		if came, err := t.peek(ctx, until); !came {
			return nil, err
		}
		at := t.read
		err := t.head.ReadInto(t.reader)
		head := &t.head
		if err == nil && head.Status() == 100 {
			return nil, nil
		}
		t.seen.FirstByte = cmp.Or(t.seen.FirstByte, at)
		if err != nil || final(head) {
			return head, err
		}
	}
}

// readHead reads the final head of the answer; interim ones are passed over.
func (t *trip) readHead(ctx context.Context) (*wire.Head, error) {
	for {
		if err := t.await(ctx); err != nil {
			return nil, err
		}
		t.seen.FirstByte = cmp.Or(t.seen.FirstByte, t.read)
		err := t.head.ReadInto(t.reader)
		if err != nil || final(&t.head) {
			return &t.head, err
		}
	}
}

func final(head *wire.Head) bool { return head.Status() >= 200 || head.Status() == 101 }

// readBody reads the body to its end and compares it with the marks of the backend that sent it.
func (t *trip) readBody(head *wire.Head) (reusable bool, err error) {
	reader, inPart := t.reader, t.rule.does(AbortDownload)
	if inPart {
		reader = t.inPart()
	}
	body, err := wire.ReadResponseBody(reader, head, t.request.Method)
	t.seen.Received = body.Size
	if err != nil {
		t.crossed = anothers(head, t.request) // which says more than how it ended
		return false, err
	}
	t.seen.Outcome, t.seen.Detail = compare(head, body, t.request)
	persistent := head.Start[0] == "HTTP/1.1" || head.Has("Connection", "keep-alive")
	switched := head.Status() == 101        // whatever comes next on it is not HTTP/1
	more := inPart && reader.Buffered() > 0 // nobody else would see what was read ahead
	return persistent && !switched && !more && !head.Has("Connection", "close") && !body.UntilClose, nil
}

// anothers is the request that an answer belongs to if it is another's than this one.
func anothers(head *wire.Head, p *Planned) string {
	if id := head.Get(wire.ID); id != p.ID {
		return id
	}
	return ""
}

// compare says what became of a request whose answer was read to its end.
func compare(head *wire.Head, body wire.Body, p *Planned) (outcome record.Outcome, detail string) {
	id := anothers(head, p)
	marked, short, same := body.Matches(head)
	switch {
	case id != "":
		return record.Crossed, "answer to request " + id
	case !marked || p.Method == "HEAD":
	case short:
		return record.Truncated, fmt.Sprintf("ended cleanly after %d of %s bytes", body.Size, head.Get(wire.Length))
	case !same:
		return record.Corrupt, fmt.Sprintf("%d bytes with checksum %s, want %s bytes with %s",
			body.Size, wire.FormatSum(body.Sum), head.Get(wire.Length), head.Get(wire.Checksum))
	}
	return record.Complete, ""
}

// fail says what became of a request that got no whole answer.
func (t *trip) fail(err error, runEnds bool) {
	if errors.Is(err, errBrokenOff) {
		t.breakOff()
		t.seen.Outcome = record.Aborted
		return
	}
	if errors.Is(err, io.EOF) && errors.Is(t.writeErr, syscall.ECONNRESET) {
		err, t.writeErr = t.writeErr, nil // the kernel tells of a reset once, and it was the write that heard of it
	}
	t.seen.Outcome, t.seen.Detail = classify(err, t.seen.FirstByte != 0, runEnds), err.Error()
	if t.crossed != "" {
		t.seen.Outcome, t.seen.Detail = record.Crossed, "answer to request "+t.crossed+"; "+t.seen.Detail
	}
	if t.writeErr != nil {
		t.seen.Detail += "; " + t.writeErr.Error()
	}
	if t.slow != nil && !t.whole {
		t.seen.Detail += fmt.Sprintf("; %d of %d bytes of the body were sent", t.slow.sent, t.slow.size)
	}
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
