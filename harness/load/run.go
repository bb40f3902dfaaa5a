package load

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/badgateway/badgateway/harness/record"
)

// Client says where the load goes and what watches it.
type Client struct {
	// Address is the gateway's, host and port.
	Address string
	// Dial opens a connection to the address.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Clock is the run's.
	Clock record.Clock
	// Began is told the instant at which the load begins.
	Began func(time.Duration)
	// Seen is told of each request when its outcome is known, one at a time, in the order in which they end.
	Seen func(record.Request)
	// Patience is how long, after the last request was sent, a request without a deadline may take before it has hung.
	Patience time.Duration
}

// Run sends the load and returns when every request has an outcome. When the context ends, requests not yet sent are not
// sent, those under way are broken off and reported as hung, and the context's error is returned.
func (c Client) Run(ctx context.Context, load Constant, seed uint64) error {
	r := &run{Client: c, load: load, results: make(chan record.Request, 1024)}
	var sink sync.WaitGroup
	sink.Go(func() {
		for seen := range r.results {
			c.Seen(seen)
		}
	})
	begin := c.Clock.Now()
	c.Began(begin)
	// The last request is due before begin+For; what is still open so long after has hung.
	bounded, cancel := context.WithDeadline(ctx, c.Clock.At(begin+load.For+c.Patience))
	defer cancel()
	err := pace(bounded, c.Clock, begin, load, seed, func(p Planned, due time.Duration) {
		r.sending.Go(func() { r.send(bounded, p, due) })
	})
	r.sending.Wait()
	r.idle.close()
	close(r.results)
	sink.Wait()
	if err == nil {
		err = context.Cause(ctx) // it may have ended while the last requests were under way
	}
	return err
}

// pace hands out each request when it is due, never later than the clock allows, and never waits for an answer.
func pace(
	ctx context.Context, clock record.Clock, begin time.Duration, load Constant, seed uint64,
	send func(p Planned, due time.Duration),
) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for p := range load.Plan(seed) {
		due := begin + p.Due
		if wait := due - clock.Now(); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		send(p, due)
	}
	return nil
}

type run struct {
	Client
	load    Constant
	sending sync.WaitGroup
	idle    pool
	results chan record.Request
}

// send takes one request through: a connection, the exchange, the outcome.
func (r *run) send(ctx context.Context, p Planned, due time.Duration) {
	deadline, runEnds := ctx.Deadline()
	if r.load.Timeout > 0 {
		if own := time.Now().Add(r.load.Timeout); own.Before(deadline) {
			deadline, runEnds = own, false
		}
	}
	seen := record.Request{ID: p.ID, Method: p.Method, Path: p.Path, Due: due}
	seen.Begun = r.Clock.Now()
	seen.Sent = seen.Begun
	conn := r.idle.take()
	if conn == nil {
		dialCtx, cancel := context.WithDeadline(ctx, deadline)
		tcp, err := r.Dial(dialCtx, "tcp", r.Address)
		cancel()
		if err != nil {
			seen.Outcome, seen.Detail = refusal(err, runEnds || ctx.Err() != nil), err.Error()
			seen.Done = r.Clock.Now()
			r.results <- seen
			return
		}
		conn = r.idle.adopt(tcp)
	}
	reusable := conn.exchange(ctx, r, p, &seen, deadline, runEnds)
	seen.Done = r.Clock.Now()
	if reusable {
		r.idle.put(conn)
	} else {
		_ = conn.tcp.Close()
	}
	r.results <- seen
}

// pool holds the client's idle connections, the most recently used on top.
type pool struct {
	mu     sync.Mutex
	conns  []*conn
	opened int
}

// take returns an idle connection that the gateway has not closed, or nil.
func (p *pool) take() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.conns) > 0 {
		c := p.conns[len(p.conns)-1]
		p.conns = p.conns[:len(p.conns)-1]
		if c.alive() {
			return c
		}
		_ = c.tcp.Close()
	}
	return nil
}

func (p *pool) adopt(tcp net.Conn) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opened++
	return newConn(tcp, p.opened)
}

func (p *pool) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, c)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.tcp.Close()
	}
	p.conns = nil
}
