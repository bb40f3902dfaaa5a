// Package victim chooses which of the requests or connections that meet a fault are touched by it. The choice is a value
// that is drawn from a seed, so that it can be sent to whoever injects the fault, and made again.
package victim

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"strings"
)

// Choice says which victims are chosen. The zero Choice takes everything that meets the fault.
type Choice struct {
	Way Way `json:"way,omitempty"`
	// N is the number in "nth", "every" and "first attempts"; Share is a share, more than 0 and at most 1.
	N     int     `json:"n,omitempty"`
	Share float64 `json:"share,omitempty"`
	// Method and Path leave everything else alone, and do not count it. Path is a pattern of path.Match.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	// After spares the first so many, in the unit of the way, before the choice begins; AtMost ends it after so many
	// victims, zero never.
	After  int `json:"after,omitempty"`
	AtMost int `json:"at_most,omitempty"`
	// Seed is what shares are drawn from. It is set when the choice is put in force.
	Seed uint64 `json:"seed,omitempty"`
}

// Way is how victims are chosen, with the unit in its name.
type Way string

// The ways.
const (
	All              Way = ""
	NthRequest       Way = "nth request"
	EveryRequest     Way = "every nth request"
	ShareOfRequests  Way = "share of requests"
	FirstAttempts    Way = "first attempts"
	NthConnection    Way = "nth connection"
	EveryConnection  Way = "every nth connection"
	ShareConnections Way = "share of connections"
)

// Unit is what a way counts.
type Unit string

// The units.
const (
	Requests    Unit = "requests"
	Connections Unit = "connections"
)

// ways says of each way what it counts and which of N and Share it takes.
var ways = map[Way]struct {
	unit   Unit
	shares bool
}{
	NthRequest: {unit: Requests}, EveryRequest: {unit: Requests}, FirstAttempts: {unit: Requests},
	ShareOfRequests: {unit: Requests, shares: true},
	NthConnection:   {unit: Connections}, EveryConnection: {unit: Connections},
	ShareConnections: {unit: Connections, shares: true},
}

// Unit is what the choice counts; requests if it takes all.
func (c Choice) Unit() Unit {
	if c.Way == All {
		return Requests
	}
	return ways[c.Way].unit
}

// TakesAll reports whether everything that meets the fault is a victim.
func (c Choice) TakesAll() bool { return c == Choice{Seed: c.Seed} }

// OfMethod leaves requests of other methods alone.
func (c Choice) OfMethod(method string) Choice { c.Method = method; return c }

// OfPath leaves requests of other paths alone; the pattern is path.Match's, e.g. "/orders/*".
func (c Choice) OfPath(pattern string) Choice { c.Path = pattern; return c }

// AfterFirst spares the first n requests, or connections where the choice counts those.
func (c Choice) AfterFirst(n int) Choice { c.After = n; return c }

// UpTo ends the choice after n victims.
func (c Choice) UpTo(n int) Choice { c.AtMost = n; return c }

// String says it in words, e.g. "every 3rd request of POST /orders"; "" for all.
func (c Choice) String() string {
	var words []string
	switch {
	case c.Way == All:
	case ways[c.Way].shares:
		words = append(words, fmt.Sprintf("%g %% of %s", 100*c.Share, c.Unit()))
	case c.Way == FirstAttempts:
		words = append(words, fmt.Sprintf("the first %d attempts of each request", c.N))
	case c.Way == NthRequest || c.Way == NthConnection:
		words = append(words, fmt.Sprintf("%s %d", strings.TrimSuffix(string(c.Unit()), "s"), c.N))
	default:
		words = append(words, fmt.Sprintf("every %d. %s", c.N, strings.TrimSuffix(string(c.Unit()), "s")))
	}
	if c.Method+c.Path != "" {
		words = append(words, strings.TrimSpace(c.Method+" "+c.Path))
	}
	if c.After > 0 {
		words = append(words, fmt.Sprintf("after the first %d", c.After))
	}
	if c.AtMost > 0 {
		words = append(words, fmt.Sprintf("at most %d", c.AtMost))
	}
	return strings.Join(words, ", ")
}

// Validate reports everything that is wrong with the choice, joined.
func (c Choice) Validate() error {
	var problems []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf("victims: "+format, args...))
		}
	}
	way, known := ways[c.Way]
	switch {
	case c.Way == All:
		wrong(c.N != 0 || c.Share != 0, "a number without a way to choose")
	case !known:
		wrong(true, "unknown way %q", c.Way)
	case way.shares:
		wrong(!(c.Share > 0 && c.Share <= 1), "a share of %g, want more than 0 and at most 1", c.Share) // nor NaN
		wrong(c.N != 0, "a number beside a share")
	default:
		wrong(c.N < 1, "%s with n = %d, want 1 or more", c.Way, c.N)
		wrong(c.Share != 0, "a share beside a number")
	}
	wrong(c.Method != strings.ToUpper(c.Method) || strings.ContainsAny(c.Method, " \r\n\t"), "method %q", c.Method)
	_, err := path.Match(c.Path, "/")
	wrong(err != nil, "path %q is no pattern", c.Path)
	wrong(c.Path != "" && !strings.HasPrefix(c.Path, "/"), "path %q must begin with /", c.Path)
	wrong(c.After < 0 || c.AtMost < 0, "after %d, at most %d: want no negative numbers", c.After, c.AtMost)
	return errors.Join(problems...)
}

// Meeting is a request, or a connection, that meets a fault.
type Meeting struct {
	// ID is the request's, empty where a connection meets the fault.
	ID, Method, Path string
	// Connection is the number of the connection.
	Connection int
}

// Chooser makes a choice over what meets the fault, one meeting after another. It is not safe for concurrent use.
type Chooser struct {
	choice   Choice
	met      int
	victims  int
	decided  map[int]bool   // of each connection, when it first met the fault
	attempts map[string]int // by request
}

// NewChooser returns a Chooser that has met nothing.
func NewChooser(c Choice) *Chooser {
	return &Chooser{choice: c, decided: map[int]bool{}, attempts: map[string]int{}}
}

// Choose reports whether what meets the fault is a victim. What is decided of a connection holds for all that happens on it.
func (c *Chooser) Choose(m Meeting) bool {
	if c.choice.TakesAll() {
		return true
	}
	if !c.choice.concerns(m) {
		return false
	}
	if c.choice.Unit() == Connections {
		taken, known := c.decided[m.Connection]
		if !known {
			taken = c.decide(m)
			c.decided[m.Connection] = taken
		}
		return taken
	}
	c.attempts[m.ID]++
	return c.decide(m)
}

// decide counts a request or a connection, and decides.
func (c *Chooser) decide(m Meeting) bool {
	c.met++
	n := c.met - c.choice.After
	if n < 1 || c.choice.AtMost > 0 && c.victims >= c.choice.AtMost || !c.takes(m, n) {
		return false
	}
	c.victims++
	return true
}

func (c Choice) concerns(m Meeting) bool {
	if c.Method != "" && c.Method != m.Method {
		return false
	}
	if c.Path == "" {
		return true
	}
	match, _ := path.Match(c.Path, m.Path) // validated
	return match
}

func (c *Chooser) takes(m Meeting, n int) bool {
	switch c.choice.Way {
	case NthRequest, NthConnection:
		return n == c.choice.N
	case EveryRequest, EveryConnection:
		return n%c.choice.N == 0
	case FirstAttempts:
		return c.attempts[m.ID] <= c.choice.N
	case ShareOfRequests: // by id, whatever the order in which requests come
		return c.choice.draw(m.ID, c.attempts[m.ID])
	case ShareConnections:
		return c.choice.draw("", n)
	case All:
	}
	return true
}

// draw is the same for the same seed, name and number.
func (c Choice) draw(name string, number int) bool {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", c.Seed, number, name)) // seeds and names that are alike give draws that are not
	return float64(binary.BigEndian.Uint64(sum[:8])>>11)/(1<<53) < c.Share
}
