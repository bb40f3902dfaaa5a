// Package record holds the facts of a run: what the client sent and saw (requests), what the backends saw (arrivals),
// what was broken (injections), how they belong together (exchanges), and the files they are kept in.
// Facts are saved before they are judged; everything after this package can be replayed without a gateway.
//
// Every instant in a record is a duration since the run's clock started, in nanoseconds. There are millions of requests and
// arrivals, and judging has them all in memory: their fields are ordered so that they leave little room between them.
package record

import (
	"fmt"
	"strconv"
	"time"
)

// Clock is the one clock of a run, monotonic, shared by load, faults and arrivals.
type Clock struct{ zero time.Time }

// StartClock returns a clock that reads zero now.
func StartClock() Clock { return Clock{zero: time.Now()} }

// Now returns the time since the clock started.
func (c Clock) Now() time.Duration { return time.Since(c.zero) }

// At returns the wall-clock time of an instant, for timers.
func (c Clock) At(instant time.Duration) time.Time { return c.zero.Add(instant) }

// Outcome is what became of one request in the client's eyes: a closed set, since a gateway can fail without any 5xx.
type Outcome string

// The outcomes. Everything but Complete, Aborted and Dropped is a failure, and so is Complete with a 5xx status.
const (
	// Complete is a whole answer, with a status, whose length, checksum and id are as the backend sent them.
	Complete Outcome = "complete"
	// Truncated is an answer that began and is shorter than it should be, whether or not its end was clean.
	Truncated Outcome = "truncated"
	// Corrupt is an answer whose bytes are not the ones the backend sent.
	Corrupt Outcome = "corrupt"
	// Crossed is the answer to another request.
	Crossed Outcome = "crossed"
	// Closed is an orderly end of the connection without a single byte of an answer.
	Closed Outcome = "closed"
	// Reset is a connection reset without a single byte of an answer.
	Reset Outcome = "reset"
	// TimedOut is a request given up when the client's own deadline passed.
	TimedOut Outcome = "timed-out"
	// Hung is a request without a deadline that was still unanswered when the run had to end.
	Hung Outcome = "hung"
	// Malformed is an answer that is not HTTP/1.
	Malformed Outcome = "malformed"
	// Refused is a connection that could not be opened.
	Refused Outcome = "refused"
	// Aborted is a request that the client broke off on purpose; nothing has failed.
	Aborted Outcome = "aborted"
	// Dropped is a request that the client could not send before the run had to end: the client has failed, not the gateway.
	Dropped Outcome = "dropped"
)

// Request is one request as the client saw it.
type Request struct {
	ID     string `json:"id"`
	Method string `json:"method"`
	Path   string `json:"path"`
	// Key says that it had an Idempotency-Key.
	Key bool `json:"key,omitempty"`
	// Warmup says that the request was sent to warm up: no expectation looks at it.
	Warmup bool `json:"warmup,omitempty"`
	// BookedInFront is the status in the log of the gateway in front, where there is one, and Booked the one in that of the
	// gateway under test, if they were read; 0 if the log does not have the request, NoStatus if it stands there without one.
	BookedInFront int16 `json:"booked_in_front,omitempty"`
	Booked        int32 `json:"booked,omitempty"`
	// Stream names the stream that the request belongs to, where the load has several.
	Stream string `json:"stream,omitempty"`
	// Due is when the schedule wanted the request sent; Begun when the client turned to it. The difference is the
	// client's own lateness, which is judged and never hidden.
	Due   time.Duration `json:"due"`
	Begun time.Duration `json:"begun"`
	// Gap is how long after the end of the answer before it a closed loop wanted it sent.
	Gap time.Duration `json:"gap,omitempty"`
	// Connected is when a connection was open that had to be opened for the request, 0 if it was sent on one that was idle.
	Connected time.Duration `json:"connected,omitempty"`
	// Sent is when the first byte was handed to the kernel: later than Begun when a connection had to be opened first.
	Sent time.Duration `json:"sent"`
	// FirstByte is when the answer began, 0 if it never did; LastByte is when bytes of it came last; Done is when the
	// outcome was known.
	FirstByte time.Duration `json:"first_byte,omitempty"`
	LastByte  time.Duration `json:"last_byte,omitempty"`
	Done      time.Duration `json:"done"`
	// Connection numbers the client's connections from 1; Position counts the requests on it from 1.
	Connection int `json:"connection,omitempty"`
	Position   int `json:"position,omitempty"`

	Outcome Outcome `json:"outcome"`
	Status  int     `json:"status,omitempty"`
	// Backend is the identity in the answer; empty when the gateway answered by itself.
	Backend string `json:"backend,omitempty"`
	// Received counts the body bytes.
	Received int64 `json:"received,omitempty"`
	// Injection is the id of the fault by which the client itself misbehaved, if any.
	Injection string `json:"injection,omitempty"`
	// Detail is the wire's own words on a failure.
	Detail string `json:"detail,omitempty"`
}

// Failed reports whether a user of the gateway would call the request failed: any 5xx and anything but a complete answer,
// unless it was the user who broke it off, or never sent it. A 5xx that had come when the user broke off is one.
func (r Request) Failed() bool {
	return r.Outcome != Complete && r.Outcome != Aborted && r.Outcome != Dropped || r.Status >= 500
}

// Label names the outcome in one word: the status of a complete answer, else the outcome.
func (r Request) Label() string {
	if r.Outcome == Complete {
		return strconv.Itoa(r.Status)
	}
	return string(r.Outcome)
}

// Bookings says how the request was booked on its way, and, where that was by two gateways, what its client was told.
func (r Request) Bookings() string {
	if r.BookedInFront == 0 {
		return fmt.Sprintf("booked %d", r.Booked)
	}
	behind := "not" // it never came there
	if r.Booked != 0 {
		behind = strconv.Itoa(int(r.Booked))
	}
	return fmt.Sprintf("%s booked as %d in front and %s behind", r.Label(), r.BookedInFront, behind)
}

// NoStatus is booked of a request that was given no status, e.g. since its client had gone.
const NoStatus = -1

// Booking is what a gateway's own log says of a request. It may be something else than what its client was told.
type Booking struct {
	ID     string `json:"id"`
	Status int32  `json:"status"`
	// Front says that it is the log of the gateway in front.
	Front bool `json:"front,omitempty"`
}

// Action is what a backend did to an arrival.
type Action string

// The actions.
const (
	// Answered is a complete answer handed to the kernel.
	Answered Action = "answered"
	// CutOff is an arrival whose connection a fault closed or reset on purpose.
	CutOff Action = "cut-off"
	// Unanswered is an arrival that a fault left without an answer, or in the middle of it, on a connection it left open.
	Unanswered Action = "unanswered"
	// Late is an arrival on a connection that the backend had already closed: the gateway used a stale connection.
	Late Action = "late"
	// Abandoned is an arrival that the gateway broke off: the request or the answer could not be finished.
	Abandoned Action = "abandoned"
	// Unfinished is an arrival whose backend died before it could say what it did.
	Unfinished Action = "unfinished"
)

// Arrival is one attempt as a backend saw it.
type Arrival struct {
	ID      string `json:"id"`
	Backend string `json:"backend"`
	// Life numbers the lives of the backend from 1: it may be killed and started again, or replaced.
	Life int32 `json:"life,omitempty"`
	// Sequence counts the arrivals of one life from 1, so that a lost one shows as a gap.
	Sequence int32  `json:"sequence"`
	Method   string `json:"method"`
	Path     string `json:"path"`
	// Connection numbers the backend's connections from 1; Position counts the requests on it from 1; Idle is how long
	// the connection had been unused.
	Connection int           `json:"connection"`
	Position   int           `json:"position"`
	Idle       time.Duration `json:"idle,omitempty"`
	// At is when the request's head had been read; Done when the backend had finished with it.
	At   time.Duration `json:"at"`
	Done time.Duration `json:"done,omitempty"`
	// Received counts the body bytes; Intact says that they are the ones the client sent.
	Received int64 `json:"received,omitempty"`
	Intact   bool  `json:"intact"`
	// Executed says that the backend did the request's work, whether or not anybody heard of it.
	Executed bool `json:"executed"`

	Action Action `json:"action"`
	// Injection is the id of the fault that touched the arrival, if any.
	Injection string `json:"injection,omitempty"`
	// Status is the status the backend sent, 0 if none.
	Status int    `json:"status,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// Span is a stretch of time that something took.
type Span struct {
	Begin time.Duration `json:"begin"`
	End   time.Duration `json:"end"`
}

// Unit is what is independent of each other where a fault acts.
type Unit string

// The units.
const (
	Requests Unit = ""
	// Connections says that the fault's victims were chosen by connection: what happens to one request of a connection says
	// what happens to the others.
	Connections Unit = "connections"
)

// Injection is one recorded application of a fault to one window.
type Injection struct {
	// ID is the window's name; a fault on several replicas is one injection.
	ID     string `json:"id"`
	Fault  string `json:"fault"`
	Target string `json:"target"`
	Unit   Unit   `json:"unit,omitempty"`
	// From and For are what was planned; a zero For means until the end of the load.
	From time.Duration `json:"from"`
	For  time.Duration `json:"for"`
	// Applied and Lifted are what happened: the spans that applying and lifting took.
	Applied Span `json:"applied"`
	Lifted  Span `json:"lifted"`
	// Receipts proves what the fault touched, one for each replica it acted on.
	Receipts []Receipt `json:"receipts"`
	// Error says why the fault could not be applied or lifted.
	Error string `json:"error,omitempty"`
}

// Receipt proves what a fault touched on one replica, as counted by the side that did it.
type Receipt struct {
	Replica string `json:"replica"`
	// Connections counts the connections, Requests the requests that the fault cut off.
	Connections int `json:"connections"`
	Requests    int `json:"requests"`
	// Prevented counts the connections on which the fault stood ready and the gateway gave it no chance: it closed them
	// first, or asked for them to be closed.
	Prevented int `json:"prevented"`
	// Waiting counts the connections on which the fault still stood ready when it was lifted.
	Waiting int `json:"waiting"`
	// Checks counts the readiness and health checks, which are no requests of the load: no journal has them.
	Checks int `json:"checks,omitempty"`
	// Packets counts the packets that were dropped.
	Packets int `json:"packets,omitempty"`
	// Probe says how the fault was proved, e.g. "link held back a close for 497 ms".
	Probe string `json:"probe,omitempty"`
	// Uncounted says that nobody can count what the fault touches, since the kernel, the network or the engine do it: the
	// probe is the proof.
	Uncounted bool `json:"uncounted,omitempty"`
}

// Bit reports whether the fault touched anything.
func (i Injection) Bit() bool {
	for _, r := range i.Receipts {
		if r.Connections+r.Requests+r.Checks+r.Packets > 0 || r.Uncounted && r.Probe != "" {
			return true
		}
	}
	return false
}

// Prevented reports whether the fault touched nothing because the gateway gave it no chance on any connection.
func (i Injection) Prevented() bool {
	prevented := 0
	for _, r := range i.Receipts {
		prevented += r.Prevented
	}
	return !i.Bit() && prevented > 0
}

// Total adds the receipts of all replicas.
func (i Injection) Total() Receipt {
	total := Receipt{Replica: i.Target}
	for _, r := range i.Receipts {
		total.Connections += r.Connections
		total.Requests += r.Requests
		total.Prevented += r.Prevented
		total.Waiting += r.Waiting
		total.Checks += r.Checks
		total.Packets += r.Packets
	}
	return total
}
