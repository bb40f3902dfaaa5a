package load

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Request says what one request is like.
type Request struct {
	Method string
	Path   string
	// Body is the size of the request's body in bytes; a GET may have one too.
	Body int
	// Answer is the size of the answer's body in bytes.
	Answer int
	// Takes is how long a backend works before it answers, in whole milliseconds. It belongs to the request and not to a fault,
	// so that work is under way when the backend's process ends.
	Takes time.Duration
	// Chunked sends the body, and asks for the answer's, in chunks of a length that is not told in advance.
	Chunked bool
	// ExpectContinue asks the gateway to say 100 Continue before the body is sent, which is waited for for a second. A final
	// answer that comes in its place is the answer, and the body is not sent. HTTP/1.0 does not know it.
	ExpectContinue bool
	// IdempotencyKey sends the request's id as its Idempotency-Key, by which a gateway may tell a POST that can be repeated.
	IdempotencyKey bool
	// Header holds further header lines, e.g. "Accept: text/html".
	Header []string
	// Weight says how often a Mix draws the request, in proportion to the others; zero is one.
	Weight int
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
func (r Request) String() string {
	words := r.Method + " " + r.Path
	if r.Takes > 0 {
		words += fmt.Sprintf(", which takes %s", r.Takes)
	}
	if r.IdempotencyKey {
		words += " with a key"
	}
	return words
}

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
	if r.Takes < 0 || r.Takes%time.Millisecond != 0 {
		problems = append(problems, fmt.Errorf("load: %s %s takes %s, want whole milliseconds", r.Method, r.Path, r.Takes))
	}
	if r.ExpectContinue && r.Body == 0 {
		problems = append(problems, fmt.Errorf("load: %s %s expects to continue without a body (RFC 9110, section 10.1.1)", r.Method, r.Path))
	}
	if r.Weight < 0 {
		problems = append(problems, fmt.Errorf("load: negative weight of %s %s", r.Method, r.Path))
	}
	for _, line := range r.Header {
		problems = append(problems, validateLine(line))
	}
	return errors.Join(problems...)
}

// ours are the header fields that the client writes by itself, and beside them whatever begins with x-badgateway-.
var ours = []string{"host", "connection", "content-length", "transfer-encoding", "expect", "idempotency-key"}

// validateLine refuses what would not be a header line (RFC 9112, section 5; RFC 9110, section 5.6.2), or one of the
// client's own.
func validateLine(line string) error {
	name, value, found := strings.Cut(line, ":")
	token := name != "" && strings.IndexFunc(name, func(c rune) bool {
		return !strings.ContainsRune("!#$%&'*+-.^_`|~", c) && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	}) < 0
	control := func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }
	if !found || !token || strings.ContainsFunc(value, control) {
		return fmt.Errorf("load: header line %q, want a name, a colon and a value", line)
	}
	lower := strings.ToLower(name)
	if slices.Contains(ours, lower) || strings.HasPrefix(lower, "x-badgateway-") {
		return fmt.Errorf("load: header line %q: the client writes %s by itself", line, name)
	}
	return nil
}

// Mix draws each request from its members at random, all equally likely unless they have weights: a strict alternation
// would send one method to one of two replicas and the other method to the other.
type Mix []Request

// String names the members.
func (m Mix) String() string {
	names := make([]string, len(m))
	for i, r := range m {
		names[i] = r.String()
		if r.Weight > 1 {
			names[i] = fmt.Sprintf("%d x %s", r.Weight, r)
		}
	}
	return strings.Join(names, " or ")
}

func (r Request) weight() int { return max(r.Weight, 1) }

func (m Mix) draw(random *rand.Rand) Request {
	total := 0
	for _, r := range m {
		total += r.weight()
	}
	n := random.IntN(total)
	for _, r := range m {
		if n < r.weight() {
			return r
		}
		n -= r.weight()
	}
	return Request{} // not reached: n was less than the total
}

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
