package load

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/badgateway/badgateway/harness/victim"
)

// Rule scripts the client: what it does to a victim instead of what it usually does. What can be said of which behaviour
// stands in the table of behaviours below.
type Rule struct {
	// ID is the injection the rule belongs to; it stands in the record beside every request that the rule touched.
	ID string
	// Of says which requests are touched, of those that the behaviour can touch at all.
	Of victim.Choice
	// Do is how the client behaves.
	Do Behaviour
	// After is how long the client waits for the answer, since it sent the whole request; zero means not at all.
	After time.Duration
	// Byte is behind which byte of a body as it stands on the wire, chunks and all, the client breaks off. Zero means half of
	// the request's body, or the first byte of the answer's.
	Byte int
	// Rate is how fast a body is sent, or an answer read, at most, in bytes per second.
	Rate int
	// By is how the client breaks off.
	By End
}

// Behaviour is what a client does that means no good, or knows no better.
type Behaviour string

// The behaviours. Whatever a behaviour does not mention goes on as usual; what has been broken off is not sent again.
const (
	// AbortWhileWaiting breaks off when the answer to a request that was sent whole has not begun in time. If the answer
	// begins, or the gateway ends the connection, before that, nothing happens.
	AbortWhileWaiting Behaviour = "abort while waiting"
	// AbortUpload breaks off inside the body of the request. A body that is not longer is sent as usual, and so is the rest of
	// one when the gateway answers, or ends the connection, before the client breaks off.
	AbortUpload Behaviour = "abort upload"
	// AbortDownload breaks off inside the body of the answer. An answer whose body is not longer is read as usual.
	AbortDownload Behaviour = "abort download"
	// SlowUpload sends the head of the request at once and its body slowly, and listens meanwhile: an answer that comes
	// before the end of the body is the answer, and once it is complete the rest is not sent.
	SlowUpload Behaviour = "slow upload"
	// SlowReader reads the answer slowly, its head included, with a small receive buffer, so that what it does not read backs
	// up to the gateway. The connection is closed afterwards: a window once made small would slow down the next request.
	SlowReader Behaviour = "slow reader"
	// HalfClose closes the sending side of the connection behind the request, as RFC 9112 (section 9.6) lets a client do
	// that still reads the answer.
	HalfClose Behaviour = "half close"
)

// End is how the client ends a connection, as the gateway sees it.
type End string

// The ends.
const (
	// FIN closes the connection in order. What the gateway sends after that meets a closed socket.
	FIN End = "fin"
	// RST resets it. A reset may overtake what was sent before it.
	RST End = "rst"
)

// behaviours says of each behaviour which of the fields it takes.
var behaviours = map[Behaviour][]string{
	AbortWhileWaiting: {"after", "by"},
	AbortUpload:       {"byte", "by"},
	AbortDownload:     {"byte", "by"},
	SlowUpload:        {"rate"},
	SlowReader:        {"rate"},
	HalfClose:         nil,
}

// Validate reports everything that is wrong with the rule, joined.
func (r Rule) Validate() error {
	var problems []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf("rule %s: %s", r.ID, fmt.Sprintf(format, args...)))
		}
	}
	wrong(r.ID == "", "without an id")
	takes, known := behaviours[r.Do]
	if !known {
		wrong(true, "unknown behaviour %q", r.Do)
		return errors.Join(problems...)
	}
	for _, said := range []struct {
		name string
		set  bool
	}{{"after", r.After != 0}, {"byte", r.Byte != 0}, {"rate", r.Rate != 0}, {"by", r.By != ""}} {
		wrong(said.set && !slices.Contains(takes, said.name), "%s cannot be said of %s", said.name, r.Do)
	}
	wrong(r.After < 0, "after %s, want no negative time", r.After)
	wrong(r.Byte < 0, "byte %d, want no negative number", r.Byte)
	wrong(slices.Contains(takes, "rate") && r.Rate < 1, "%d bytes per second, want 1 or more", r.Rate)
	wrong(slices.Contains(takes, "by") && r.By != FIN && r.By != RST, "unknown end %q, want fin or rst", r.By)
	if err := r.Of.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("rule %s: %w", r.ID, err))
	}
	return errors.Join(problems...)
}

// meets reports whether the request is one that the behaviour can touch: others are not counted among those to choose from.
func (r Rule) meets(p *Planned) bool {
	switch r.Do {
	case AbortUpload, SlowUpload:
		return p.Body > 0
	case AbortDownload:
		return p.Method != "HEAD" // whose answer has no body
	case AbortWhileWaiting, SlowReader, HalfClose:
	}
	return true
}

// step is how many bytes a slow client takes or sends at a time: a twentieth of a second's.
func (r Rule) step() int { return max(1, r.Rate/20) }

// receiveBuffer is how much the kernel may hold for a slow reader, in bytes: half a second's. With much less, small windows
// slow TCP down more than the reader does.
func (r Rule) receiveBuffer() int { return max(16<<10, r.Rate/2) }

// behind is behind which byte of a request's body the client breaks off.
func (r Rule) behind(body []byte) int { return cmp.Or(r.Byte, len(body)/2) }
