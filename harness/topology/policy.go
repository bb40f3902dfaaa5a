package topology

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Policy is what a scenario asks of a gateway in neutral terms; the gateway's config template renders it.
// A zero field asks for nothing: the gateway's own default stays in force, since that is what people run.
// Durations are in milliseconds' resolution; a gateway that counts more coarsely does not support those it cannot say.
type Policy struct {
	// Retries is how many further attempts a request may get at most, on another backend where there is one. NoRetries
	// forbids any, also the hidden one on a pooled connection that turns out to be stale.
	Retries int `json:"retries,omitempty"`
	// RetryOn lists what the further attempts must cover. A gateway that cannot tell two causes apart covers both.
	RetryOn []Cause `json:"retry_on,omitempty"`
	// RetryNonIdempotent says whether a POST that may have reached a backend gets a further attempt too.
	RetryNonIdempotent Switch `json:"retry_non_idempotent,omitempty"`

	// ConnectTimeout is how long the gateway waits for a connection to a backend, ResponseTimeout for the head of its
	// answer once the request is sent, ReadTimeout between two parts of the answer's body.
	ConnectTimeout  time.Duration `json:"connect_timeout,omitempty"`
	ResponseTimeout time.Duration `json:"response_timeout,omitempty"`
	ReadTimeout     time.Duration `json:"read_timeout,omitempty"`

	// UpstreamKeepAlive says whether the gateway keeps connections to its backends open for reuse.
	UpstreamKeepAlive Switch `json:"upstream_keep_alive,omitempty"`
	// UpstreamIdleTimeout is how long the gateway keeps an unused backend connection.
	UpstreamIdleTimeout time.Duration `json:"upstream_idle_timeout,omitempty"`
	// UpstreamPoolSize is how many unused connections the gateway keeps to one backend at most.
	UpstreamPoolSize int `json:"upstream_pool_size,omitempty"`
	// UpstreamRequests is how many requests one backend connection carries at most.
	UpstreamRequests int `json:"upstream_requests,omitempty"`
	// UpstreamConnections is how many connections to one backend the gateway has at most, used or not.
	UpstreamConnections int `json:"upstream_connections,omitempty"`

	// PassiveHealth puts a backend aside for what happened to real requests, ActiveHealth for what happened to the
	// gateway's own ones.
	PassiveHealth PassiveHealth `json:"passive_health,omitzero"`
	ActiveHealth  ActiveHealth  `json:"active_health,omitzero"`
	// CircuitBreaker has the gateway answer by itself, with 503, while most requests would fail.
	CircuitBreaker CircuitBreaker `json:"circuit_breaker,omitzero"`

	// ClientIdleTimeout is how long the gateway keeps an unused client connection.
	ClientIdleTimeout time.Duration `json:"client_idle_timeout,omitempty"`
	// RequestTimeout is how long a client may take to send the head of its request.
	RequestTimeout time.Duration `json:"request_timeout,omitempty"`
	// RateLimit is how many requests per second the gateway lets pass, of all clients together.
	RateLimit int `json:"rate_limit,omitempty"`
	// Workers is how many processes or threads serve requests.
	Workers int `json:"workers,omitempty"`

	_ struct{}
}

// NoRetries as Policy.Retries forbids any further attempt.
const NoRetries = -1

// PassiveHealth puts a backend aside for Eject after so many Failures in a row, or within Eject of each other.
type PassiveHealth struct {
	Failures int           `json:"failures"`
	Eject    time.Duration `json:"eject"`
}

// ActiveHealth asks each backend for Path every Interval, and puts it aside while the answer is no 2xx.
type ActiveHealth struct {
	Path     string        `json:"path"`
	Interval time.Duration `json:"interval"`
}

// CircuitBreaker opens when most requests of late have failed. No backend gets any then, for Open at a time; after that more
// and more are let through, and if they do not fail all of them are, Recovery later at the latest.
type CircuitBreaker struct {
	Open     time.Duration `json:"open"`
	Recovery time.Duration `json:"recovery"`
}

// Switch is three-valued: the gateway's default, on, or off.
type Switch string

// The values of a Switch.
const (
	Default Switch = ""
	On      Switch = "on"
	Off     Switch = "off"
)

// Cause is why an attempt failed.
type Cause string

// The causes.
const (
	// OnConnect is a connection that could not be opened.
	OnConnect Cause = "connect"
	// OnReset is a connection that ended, in order or by a reset, before the first byte of an answer.
	OnReset Cause = "reset"
	// OnTimeout is an answer that did not begin in time.
	OnTimeout Cause = "timeout"
	// OnStatus is an answer with status 502, 503 or 504.
	OnStatus Cause = "status"
)

// Capability names one thing a gateway can be asked to do; gateway.yaml lists those its template can render.
type Capability string

// facet is one thing that can be asked for: the capability it needs, whether the policy asks, and how that is said.
type facet struct {
	capability Capability
	asked      func(Policy) bool
	words      func(Policy) string
}

// facets is all that can be asked for, in the order in which people are told.
var facets = []facet{
	{"retries", func(p Policy) bool { return p.Retries > 0 }, func(p Policy) string { return fmt.Sprintf("at most %d retries", p.Retries) }},
	{"no-retries", func(p Policy) bool { return p.Retries == NoRetries }, says("no retries")},
	{"retry-connect", retries(OnConnect), says("retry on connect failures")},
	{"retry-reset", retries(OnReset), says("retry on resets")},
	{"retry-timeout", retries(OnTimeout), says("retry on timeouts")},
	{"retry-status", retries(OnStatus), says("retry on 502, 503, 504")},
	{"retry-non-idempotent", func(p Policy) bool { return p.RetryNonIdempotent == On }, says("retry any method")},
	{"retry-idempotent-only", func(p Policy) bool { return p.RetryNonIdempotent == Off }, says("retry idempotent methods only")},
	duration("connect-timeout", func(p Policy) time.Duration { return p.ConnectTimeout }),
	duration("response-timeout", func(p Policy) time.Duration { return p.ResponseTimeout }),
	duration("read-timeout", func(p Policy) time.Duration { return p.ReadTimeout }),
	{"upstream-keep-alive", func(p Policy) bool { return p.UpstreamKeepAlive == On }, says("upstream keep-alive on")},
	{"upstream-keep-alive-off", func(p Policy) bool { return p.UpstreamKeepAlive == Off }, says("upstream keep-alive off")},
	duration("upstream-idle-timeout", func(p Policy) time.Duration { return p.UpstreamIdleTimeout }),
	count("upstream-pool-size", func(p Policy) int { return p.UpstreamPoolSize }),
	count("upstream-requests", func(p Policy) int { return p.UpstreamRequests }),
	count("upstream-connections", func(p Policy) int { return p.UpstreamConnections }),
	{"passive-health", func(p Policy) bool { return p.PassiveHealth != PassiveHealth{} }, func(p Policy) string {
		return fmt.Sprintf("%d failures eject for %s", p.PassiveHealth.Failures, p.PassiveHealth.Eject)
	}},
	{"active-health", func(p Policy) bool { return p.ActiveHealth != ActiveHealth{} }, func(p Policy) string {
		return fmt.Sprintf("health check of %s every %s", p.ActiveHealth.Path, p.ActiveHealth.Interval)
	}},
	{"circuit-breaker", func(p Policy) bool { return p.CircuitBreaker != CircuitBreaker{} }, func(p Policy) string {
		return fmt.Sprintf("a circuit breaker that opens for %s and recovers within %s", p.CircuitBreaker.Open, p.CircuitBreaker.Recovery)
	}},
	duration("client-idle-timeout", func(p Policy) time.Duration { return p.ClientIdleTimeout }),
	duration("request-timeout", func(p Policy) time.Duration { return p.RequestTimeout }),
	count("rate-limit", func(p Policy) int { return p.RateLimit }),
	count("workers", func(p Policy) int { return p.Workers }),
}

func says(words string) func(Policy) string { return func(Policy) string { return words } }

func retries(on Cause) func(Policy) bool {
	return func(p Policy) bool { return p.RetriesOn(on) }
}

func duration(c Capability, of func(Policy) time.Duration) facet {
	return facet{c, func(p Policy) bool { return of(p) != 0 }, func(p Policy) string { return spaced(c) + " " + of(p).String() }}
}

func count(c Capability, of func(Policy) int) facet {
	return facet{c, func(p Policy) bool { return of(p) != 0 }, func(p Policy) string { return fmt.Sprintf("%s %d", spaced(c), of(p)) }}
}

// spaced says a capability's name in words.
func spaced(c Capability) string {
	words := strings.ReplaceAll(string(c), "-", " ")
	return strings.ReplaceAll(words, "keep alive", "keep-alive")
}

// Capabilities lists every known capability.
func Capabilities() []Capability {
	all := make([]Capability, len(facets))
	for i, f := range facets {
		all[i] = f.capability
	}
	return all
}

// Needs lists the capabilities a gateway must have to honour the policy; empty for the zero policy.
func (p Policy) Needs() []Capability {
	var needs []Capability
	for _, f := range facets {
		if f.asked(p) {
			needs = append(needs, f.capability)
		}
	}
	return needs
}

// String says in words what is asked for.
func (p Policy) String() string {
	var words []string
	for _, f := range facets {
		if f.asked(p) {
			words = append(words, f.words(p))
		}
	}
	if words == nil {
		return "the gateway's own defaults"
	}
	return strings.Join(words, ", ")
}

// RetriesOn reports whether further attempts must cover the cause.
func (p Policy) RetriesOn(c Cause) bool { return slices.Contains(p.RetryOn, c) }

// Attempts is how many attempts a request may get, for the gateways that count those: 0 when nothing is asked for.
func (p Policy) Attempts() int {
	switch p.Retries {
	case 0:
		return 0
	case NoRetries:
		return 1
	}
	return p.Retries + 1
}

// Validate reports everything that is wrong with the policy, joined.
func (p Policy) Validate() error {
	var problems []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf("policy: "+format, args...))
		}
	}
	wrong(p.Retries < NoRetries || p.Retries > 100, "%d retries, want 1 to 100, or NoRetries", p.Retries)
	for _, c := range p.RetryOn {
		known := []Cause{OnConnect, OnReset, OnTimeout, OnStatus}
		wrong(!slices.Contains(known, c), "retry on %q, want some of %v", c, known)
	}
	wrong(p.Retries <= 0 && len(p.RetryOn) > 0, "retry on %v needs a number of retries", p.RetryOn)
	wrong(p.Retries == NoRetries && p.RetryNonIdempotent != Default, "no retries and retry non-idempotent %s contradict each other", p.RetryNonIdempotent)
	switches := []Switch{Default, On, Off}
	wrong(!slices.Contains(switches, p.RetryNonIdempotent), "retry non-idempotent %q, want on, off or nothing", p.RetryNonIdempotent)
	wrong(!slices.Contains(switches, p.UpstreamKeepAlive), "upstream keep-alive %q, want on, off or nothing", p.UpstreamKeepAlive)
	for _, f := range []struct {
		name string
		d    time.Duration
	}{
		{"connect timeout", p.ConnectTimeout},
		{"response timeout", p.ResponseTimeout},
		{"read timeout", p.ReadTimeout},
		{"upstream idle timeout", p.UpstreamIdleTimeout},
		{"passive health: eject", p.PassiveHealth.Eject},
		{"active health: interval", p.ActiveHealth.Interval},
		{"circuit breaker: open", p.CircuitBreaker.Open},
		{"circuit breaker: recovery", p.CircuitBreaker.Recovery},
		{"client idle timeout", p.ClientIdleTimeout},
		{"request timeout", p.RequestTimeout},
	} {
		wrong(f.d < 0 || f.d%time.Millisecond != 0, "%s %s, want whole milliseconds", f.name, f.d)
	}
	for _, f := range []struct {
		name string
		n    int
	}{
		{"upstream pool size", p.UpstreamPoolSize},
		{"upstream requests", p.UpstreamRequests},
		{"upstream connections", p.UpstreamConnections},
		{"passive health: failures", p.PassiveHealth.Failures},
		{"rate limit", p.RateLimit},
		{"workers", p.Workers},
	} {
		wrong(f.n < 0, "%s %d, want a positive number", f.name, f.n)
	}
	pooling := p.UpstreamIdleTimeout != 0 || p.UpstreamPoolSize != 0 || p.UpstreamRequests != 0
	wrong(p.UpstreamKeepAlive == Off && pooling, "an upstream idle timeout, pool size or number of requests contradicts upstream keep-alive off")
	passive, active := p.PassiveHealth, p.ActiveHealth
	wrong((passive.Failures == 0) != (passive.Eject == 0), "passive health needs failures and eject")
	wrong((active.Path == "") != (active.Interval == 0), "active health needs path and interval")
	breaker := p.CircuitBreaker
	wrong((breaker.Open == 0) != (breaker.Recovery == 0), "circuit breaker needs open and recovery")
	wrong(active.Path != "" && !strings.HasPrefix(active.Path, "/"), "active health: path %q must begin with /", active.Path)
	return errors.Join(problems...)
}
