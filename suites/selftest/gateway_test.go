package selftest

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/badgateway/badgateway/fixtures/reverseproxy"
)

// gateway says what the embedded gateway does beyond passing requests on: correctly, or with a defect. The zero gateway
// does nothing.
type gateway struct {
	// attempts is how many a GET gets at most while the answers are 5xx; zero means one.
	attempts int
	// pause is the time between two attempts.
	pause time.Duration
	// same lets the attempts of a request go to the same replica.
	same bool
	// ejects leaves a replica that has answered with a 5xx alone from then on.
	ejects bool
	// opens is how long the gateway answers every request by itself, once there was a 5xx.
	opens time.Duration
	// hurry is how long an answer may take to some requests before the other replica is asked; zero means any time.
	hurry time.Duration
}

// wrap puts the gateway's ways around the transport of the embedded one.
func (g gateway) wrap() reverseproxy.Wrap {
	return reverseproxy.Wrap{Transport: func(next http.RoundTripper) http.RoundTripper {
		return &balancer{gateway: g, next: next, ejected: map[string]bool{}}
	}}
}

// balancer does what a gateway says.
type balancer struct {
	gateway
	next http.RoundTripper

	mu        sync.Mutex
	replicas  []string
	ejected   map[string]bool
	openUntil time.Time
}

func (b *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = b.lead(r, b.choose(r.URL.Host))
	if b.open() {
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	for attempt := 1; ; attempt++ {
		response, err := b.attempt(r)
		if err != nil || response.StatusCode < 500 {
			return response, err
		}
		b.fail(r.URL.Host)
		if attempt >= b.attempts || r.Method != http.MethodGet {
			return response, nil
		}
		if err := response.Body.Close(); err != nil {
			return nil, err
		}
		time.Sleep(b.pause)
		if !b.same {
			r = b.lead(r, b.other(r.URL.Host))
		}
	}
}

// attempt asks the replica, and the other one if that takes too long.
func (b *balancer) attempt(r *http.Request) (*http.Response, error) {
	if b.hurry == 0 || !some(r) {
		return b.next.RoundTrip(r)
	}
	hurried, cancel := context.WithCancel(r.Context())
	timer := time.AfterFunc(b.hurry, cancel)
	response, err := b.next.RoundTrip(r.WithContext(hurried))
	if timer.Stop() {
		return response, err // the answer's body is still to be read, and ends the context
	}
	if err == nil {
		_ = response.Body.Close()
	}
	return b.next.RoundTrip(b.lead(r, b.other(r.URL.Host)))
}

// lead is the request on its way to a replica.
func (b *balancer) lead(r *http.Request, replica string) *http.Request {
	led := r.Clone(r.Context())
	led.URL.Host = replica
	return led
}

// choose keeps the replica whose turn it is, unless it was ejected.
func (b *balancer) choose(turn string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.replicas, turn) {
		b.replicas = append(b.replicas, turn)
	}
	if b.ejected[turn] {
		return b.not(turn)
	}
	return turn
}

func (b *balancer) other(replica string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.not(replica)
}

// not is another replica, if any is known.
func (b *balancer) not(replica string) string {
	for _, other := range b.replicas {
		if other != replica {
			return other
		}
	}
	return replica
}

func (b *balancer) fail(replica string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ejected[replica] = b.ejects
	if b.opens > 0 && b.openUntil.IsZero() {
		b.openUntil = time.Now().Add(b.opens)
	}
}

func (b *balancer) open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Before(b.openUntil)
}
