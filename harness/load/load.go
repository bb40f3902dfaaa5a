// Package load is what the client does: which requests it sends, when, on which connections, and what it sees. It is an
// open loop, so a slow gateway does not slow the load down and hide its own slowness, and it works on connections it
// owns: it never retries, never follows, never repairs.
package load

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Constant is an open loop at a constant rate.
type Constant struct {
	// Rate is in requests per second.
	Rate float64
	// For is how long requests are sent.
	For time.Duration
	// Request says what is sent: one request, or a Mix.
	Request Source
	// Connections says how the client uses its connections; the zero value keeps them alive.
	Connections Connections
	// Timeout is the client's own deadline for one request, from the moment it is sent. Zero means that the client
	// waits: a request still unanswered when the run has to end has hung.
	Timeout time.Duration

	_ struct{}
}

// Connections is how the client uses its connections.
type Connections string

// The ways to use connections.
const (
	// KeepAlive uses a connection again once its answer is complete, and opens another when none is free.
	KeepAlive Connections = ""
	// PerRequest opens a connection for each request and asks for its end (HTTP/1.1, Connection: close).
	PerRequest Connections = "one connection per request"
	// PerRequestHTTP10 is PerRequest as HTTP/1.0 clients do it.
	PerRequestHTTP10 Connections = "one connection per request, HTTP/1.0"
)

// Request says what one request is like.
type Request struct {
	Method string
	Path   string
	// Body is the size of the request's body in bytes.
	Body int
	// Answer is the size of the answer's body in bytes.
	Answer int
	// Chunked sends the body, and asks for the answer's, in chunks of a length that is not told in advance.
	Chunked bool
}

// defaultAnswer is enough for an answer to name its backend and its request.
const defaultAnswer = 128

// GET asks for a small answer.
func GET(path string) Request { return Request{Method: "GET", Path: path, Answer: defaultAnswer} }

// POST sends a small body, as a form or a JSON call does.
func POST(path string) Request {
	return Request{Method: "POST", Path: path, Body: defaultAnswer, Answer: defaultAnswer}
}

// Source draws requests. It is implemented by Request and Mix.
type Source interface {
	fmt.Stringer
	draw(*rand.Rand) Request
	validate() error
}

var (
	_ Source = Request{}
	_ Source = Mix{}
)

// String names the request, e.g. "POST /orders".
func (r Request) String() string { return r.Method + " " + r.Path }

func (r Request) draw(*rand.Rand) Request { return r }

func (r Request) validate() error {
	var problems []error
	if r.Method == "" || strings.ToUpper(r.Method) != r.Method || strings.ContainsAny(r.Method, " \r\n\t") {
		problems = append(problems, fmt.Errorf("load: method %q", r.Method))
	}
	if !strings.HasPrefix(r.Path, "/") || strings.ContainsAny(r.Path, " \r\n\t") {
		problems = append(problems, fmt.Errorf("load: path %q must begin with / and have no spaces", r.Path))
	}
	if r.Body < 0 || r.Answer < 0 {
		problems = append(problems, fmt.Errorf("load: negative body size in %s %s", r.Method, r.Path))
	}
	return errors.Join(problems...)
}

// Mix draws each request from its members, all equally likely, at random: a strict alternation would send one method to
// one of two replicas and the other method to the other.
type Mix []Request

// String names the members.
func (m Mix) String() string {
	names := make([]string, len(m))
	for i, r := range m {
		names[i] = r.String()
	}
	return strings.Join(names, " or ")
}

func (m Mix) draw(r *rand.Rand) Request { return m[r.IntN(len(m))] }

func (m Mix) validate() error {
	if len(m) == 0 {
		return errors.New("load: an empty mix")
	}
	problems := make([]error, len(m))
	for i, r := range m {
		problems[i] = r.validate()
	}
	return errors.Join(problems...)
}

// Validate reports everything that is wrong with the load, joined.
func (c Constant) Validate() error {
	var problems []error
	if !(c.Rate > 0 && c.Rate <= 100_000) { // nor NaN
		problems = append(problems, fmt.Errorf("load: rate %g per second, want more than 0 and at most 100000", c.Rate))
	}
	if c.For <= 0 {
		problems = append(problems, fmt.Errorf("load: for %s, want a positive duration", c.For))
	}
	if problems == nil && c.Count() == 0 {
		problems = append(problems, fmt.Errorf("load: not one request at %g per second for %s", c.Rate, c.For))
	}
	if c.Timeout < 0 {
		problems = append(problems, fmt.Errorf("load: timeout %s", c.Timeout))
	}
	switch c.Connections {
	case KeepAlive, PerRequest, PerRequestHTTP10:
	default:
		problems = append(problems, fmt.Errorf("load: unknown use of connections %q", c.Connections))
	}
	if c.Request == nil {
		problems = append(problems, errors.New("load: no request"))
	} else {
		problems = append(problems, c.Request.validate())
	}
	return errors.Join(problems...)
}

// String says in words what is sent.
func (c Constant) String() string {
	words := fmt.Sprintf("%s at %g/s for %s", c.Request, c.Rate, c.For)
	if c.Connections != KeepAlive {
		words += ", " + string(c.Connections)
	}
	return words
}

// Planned is one request of the schedule.
type Planned struct {
	Request
	// ID is unique in the run.
	ID string
	// Due is when it is to be sent, since the load began.
	Due time.Duration
}

// Count is how many requests the load sends. A product that floating point leaves just short of a whole number is one:
// 100/s for 570 ms are 57 requests.
func (c Constant) Count() int { return int(c.Rate*c.For.Seconds() + 1e-6) }

// Plan returns the schedule. The same seed gives the same schedule, byte for byte.
func (c Constant) Plan(seed uint64) iter.Seq[Planned] {
	return func(yield func(Planned) bool) {
		random := rand.New(rand.NewPCG(seed, 0x6c6f6164))
		prefix := strconv.FormatUint(seed, 36) + "-"
		for i := range c.Count() {
			p := Planned{
				Request: c.Request.draw(random),
				ID:      prefix + strconv.Itoa(i+1),
				Due:     time.Duration(float64(i) / c.Rate * float64(time.Second)),
			}
			if !yield(p) {
				return
			}
		}
	}
}
