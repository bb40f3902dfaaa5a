// Package load is what the client does: which requests it sends, when, on which connections, and what it sees. An open
// loop sends when the schedule says so, so that a slow gateway does not slow the load down and hide its own slowness; a
// closed loop waits for answers, as a pool of workers does. The client works on connections it owns: it never retries,
// never follows, never repairs.
package load

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"
)

// Load is what is sent in a run: open loops (Constant, Poisson, Ramp, Steps, Spike), closed ones (Closed, PhaseLocked), or
// several streams Together.
type Load interface {
	// String says in words what is sent.
	fmt.Stringer
	// Validate reports everything that is wrong with the load, joined.
	Validate() error
	// Lasts is how long requests are sent.
	Lasts() time.Duration
	// Count is how many requests are sent, or Unknown if that depends on how fast they are answered.
	Count() int
	// Plan returns what is due whatever the gateway answers, with one seed the same, byte for byte: every request of an open
	// loop, the first one of each connection of a closed loop.
	Plan(seed uint64) iter.Seq[Planned]

	streams() []stream
}

var (
	_ Load = Constant{}
	_ Load = Poisson{}
	_ Load = Ramp{}
	_ Load = Steps{}
	_ Load = Spike{}
	_ Load = Closed{}
	_ Load = PhaseLocked{}
	_ Load = Together{}
)

// Unknown is the count of a load whose requests wait for answers.
const Unknown = -1

// Planned is one request of the schedule.
type Planned struct {
	Request
	// ID is unique in the run.
	ID string
	// Due is when it is to be sent, since the load began.
	Due time.Duration
	// Gap is how long after the end of the answer before it a closed loop sends it.
	Gap time.Duration
	// Stream names the stream that it belongs to, if there are several Together.
	Stream string
	// Warmup says that it is sent to warm up, and not judged.
	Warmup bool
}

// stream is one stream of requests: what every load is made of.
type stream struct {
	name        string
	how         string // in words, e.g. "at 10/s"
	wrong       []error
	lasts       time.Duration
	request     Source
	connections Connections
	timeout     time.Duration
	warmup      time.Duration

	// An open loop has arrivals, and a closed one users.
	count    int
	arrivals func(seed uint64) iter.Seq[time.Duration]
	users    int
	most     int  // requests of all users together; 0 is any number
	busy     bool // none of them ever waits between an answer and the next request
	gaps     func(*rand.Rand) func() time.Duration
}

func (s stream) open() bool { return s.arrivals != nil }

// String says in words what is sent.
func (s stream) String() string {
	words := fmt.Sprintf("%s %s for %s", s.request, s.how, s.lasts)
	if s.connections != KeepAlive {
		words += ", " + s.connections.String()
	}
	if s.timeout > 0 {
		words += ", timeout " + s.timeout.String()
	}
	if s.warmup > 0 {
		words += ", of which " + s.warmup.String() + " to warm up"
	}
	return words
}

// validate reports everything that is wrong with the stream, joined: first what its own kind says.
func (s stream) validate() error {
	problems := s.wrong
	if s.lasts <= 0 {
		problems = append(problems, fmt.Errorf("load: for %s, want a positive duration", s.lasts))
	}
	if len(problems) == 0 && s.open() && s.count == 0 {
		problems = append(problems, fmt.Errorf("load: not one request %s for %s", s.how, s.lasts))
	}
	if s.timeout < 0 {
		problems = append(problems, fmt.Errorf("load: timeout %s", s.timeout))
	}
	if s.warmup < 0 || s.warmup > 0 && s.warmup >= s.lasts {
		problems = append(problems, fmt.Errorf("load: %s to warm up, want less than the %s that it lasts", s.warmup, s.lasts))
	}
	problems = append(problems, s.connections.validate())
	if !s.open() && s.connections.AtMost != 0 {
		problems = append(problems, errors.New("load: a closed loop says by itself how many connections there are"))
	}
	if s.request == nil {
		problems = append(problems, errors.New("load: no request"))
	} else {
		problems = append(problems, s.request.validate())
	}
	return errors.Join(problems...)
}

// mostRate is in requests per second.
const mostRate = 100_000

// rateProblem says what is wrong with a rate; nil if nothing.
func rateProblem(rate float64) error {
	if rate > 0 && rate <= mostRate { // nor NaN
		return nil
	}
	return fmt.Errorf("load: rate %g per second, want more than 0 and at most %d", rate, mostRate)
}

// pauseProblem is rateProblem where the rate may be zero.
func pauseProblem(rate float64) error {
	if rate >= 0 && rate <= mostRate {
		return nil
	}
	return fmt.Errorf("load: rate %g per second, want 0 or more and at most %d", rate, mostRate)
}

// plan is what is due whatever the gateway answers.
func (s stream) plan(seed uint64) iter.Seq[Planned] {
	return func(yield func(Planned) bool) {
		if !s.open() {
			for user := range s.users {
				if !yield(s.sequence(seed, user+1).next()) {
					return
				}
			}
			return
		}
		draws := s.sequence(seed, 0)
		if s.name != "" { // streams that are drawn alike would be due at the same instants
			seed ^= hash(s.name)
		}
		for due := range s.arrivals(seed) {
			p := draws.next()
			p.Due, p.Warmup = due, due < s.warmup
			if !yield(p) {
				return
			}
		}
	}
}

// sequence is the requests of a stream, or of one connection of a closed loop, one after another.
type sequence struct {
	stream
	random *rand.Rand
	prefix string
	gap    func() time.Duration // nil in an open loop
	sent   int
	id     []byte
}

// sequence begins the sequence of a connection, or with number 0 that of a stream as a whole. Each has draws of its own: in
// a closed loop nobody knows which connection will be the next to send.
func (s stream) sequence(seed uint64, connection int) *sequence {
	prefix := strconv.FormatUint(seed, 36) + "-"
	if s.name != "" {
		prefix += s.name + "-"
		seed ^= hash(s.name)
	}
	if connection > 0 {
		prefix += strconv.Itoa(connection) + "-"
	}
	q := &sequence{stream: s, prefix: prefix, random: rand.New(rand.NewPCG(seed, 0x6c6f6164+uint64(connection)<<32))}
	if s.gaps != nil {
		q.gap = s.gaps(q.random)
	}
	return q
}

func (q *sequence) next() Planned {
	q.sent++
	q.id = strconv.AppendInt(append(q.id[:0], q.prefix...), int64(q.sent), 10)
	p := Planned{Request: q.request.draw(q.random), ID: string(q.id), Stream: q.name}
	switch {
	case q.gap == nil:
	case q.sent > 1:
		p.Gap = q.gap()
	default:
		p.Warmup = q.warmup > 0 // nothing went before the first one, which is due at once
	}
	return p
}
