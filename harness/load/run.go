package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
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
	// Sending is told of each request, by its number from 1, when the client turns to it; it may be nil.
	Sending func(n int)
	// Script says what the client does to whom instead of what it usually does; nil if nothing.
	Script *Script
	// Patience is how long, after the last request was sent, a request without a deadline may take before it has hung.
	Patience time.Duration
	// Longer says by how much closed loops last longer than was planned, as it stands at this moment, and at most by Longest; nil
	// is not at all.
	Longer  func() time.Duration
	Longest time.Duration
}

// longer is by how much closed loops last longer.
func (c Client) longer() time.Duration {
	if c.Longer == nil {
		return 0
	}
	return min(c.Longer(), c.Longest)
}

// Run sends the load and returns when every request has an outcome. When the context ends, requests not yet sent are not
// sent, those under way are broken off and reported as hung, and the context's error is returned.
func (c Client) Run(ctx context.Context, load Load, seed uint64) error {
	r := &run{Client: c}
	begin := c.Clock.Now()
	c.Began(begin)
	// The last request is due before the load ends; what is still open so long after has hung.
	bounded, cancel := context.WithDeadlineCause(ctx, c.Clock.At(begin+load.Lasts()+c.Longest+c.Patience), errRunEnds)
	defer cancel()
	defer context.AfterFunc(bounded, r.breakOff)()
	var sending sync.WaitGroup
	for _, s := range load.streams() {
		sending.Go(func() { r.line(s).drive(bounded, begin, seed) })
	}
	sending.Wait()
	return context.Cause(ctx) // nil if it did not end
}

var errRunEnds = errors.New("the run had to end")

// run is what all streams share.
type run struct {
	Client

	turning sync.Mutex
	turned  int

	telling sync.Mutex

	opening sync.Mutex
	opened  int
	live    map[*conn]struct{}
	over    bool // no connection is to be waited for any more
}

// tell tells of a request whose outcome is known.
func (r *run) tell(seen record.Request) {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.Seen(seen)
}

// adopt makes a connection one of the run's.
func (r *run) adopt(tcp net.Conn, at time.Duration) *conn {
	r.opening.Lock()
	defer r.opening.Unlock()
	r.opened++
	c := newConn(tcp, r.Clock, r.opened, at)
	if r.live == nil {
		r.live = map[*conn]struct{}{}
	}
	r.live[c] = struct{}{}
	if r.over {
		c.breakOff()
	}
	return c
}

func (r *run) close(c *conn) {
	r.opening.Lock()
	defer r.opening.Unlock()
	delete(r.live, c)
	_ = c.tcp.Close()
}

// exchange puts another in the place of a connection's own.
func (r *run) exchange(c *conn, tcp net.Conn) {
	r.opening.Lock()
	defer r.opening.Unlock()
	c.tcp, c.watch, c.until = tcp, wire.NewWatch(tcp), time.Time{}
	if r.over {
		c.breakOff()
	}
}

// breakOff breaks off everything that is under way.
func (r *run) breakOff() {
	r.opening.Lock()
	defer r.opening.Unlock()
	r.over = true
	for c := range r.live {
		c.breakOff()
	}
}

// turn is called when the client turns to a request, one after another. It returns the rule that chooses it, if any.
func (r *run) turn(p *Planned) *scripted {
	r.turning.Lock()
	defer r.turning.Unlock()
	r.turned++
	if r.Sending != nil {
		r.Sending(r.turned)
	}
	return r.Script.turn(p)
}

// line is one stream on its way, with the connections that are its own.
type line struct {
	*run
	stream
	slots   chan struct{} // one for each connection there may be; nil if there is no limit
	sending sync.WaitGroup
	begun   atomic.Int64 // requests of a closed loop
}

func (r *run) line(s stream) *line {
	l := &line{run: r, stream: s}
	if s.connections.AtMost > 0 {
		l.slots = make(chan struct{}, s.connections.AtMost)
	}
	return l
}

// drive sends the stream and returns when every request has an outcome.
func (l *line) drive(ctx context.Context, begin time.Duration, seed uint64) {
	if l.open() {
		idle := &pool{run: l.run}
		l.pace(ctx, begin, seed, func(p Planned, due time.Duration) {
			rule := l.turn(&p)
			l.sending.Go(func() { l.send(ctx, &p, rule, due, idle) })
		})
		l.sending.Wait()
		idle.close()
		return
	}
	loops := l.eventLoops()
	for n := range l.users {
		u := &user{line: l, begin: begin, due: begin, requests: l.sequence(seed, n+1), idle: &pool{run: l.run}}
		l.sending.Go(func() { u.run(ctx, loops.of(n)) })
	}
	l.sending.Wait()
	loops.close()
}

// pace hands out each request when it is due, never before that, and never waits for an answer. What it could not hand out
// before the run had to end was dropped, and is seen as that; a run that is broken off owes nothing.
func (l *line) pace(ctx context.Context, begin time.Duration, seed uint64, send func(p Planned, due time.Duration)) {
	sleep := newSleeper(l.Clock)
	defer sleep.close()
	for p := range l.plan(seed) {
		due := begin + p.Due
		sleep.until(ctx, due)
		ends, bounded := ctx.Deadline()
		switch err := context.Cause(ctx); {
		case errors.Is(err, errRunEnds), err == nil && bounded && !time.Now().Before(ends): // a moment before the context knows it
			l.drop(p, due)
		case err == nil:
			send(p, due)
		default:
			return
		}
	}
}

// drop books a request that there was no time left to send.
func (l *line) drop(p Planned, due time.Duration) {
	l.turn(&p)
	seen := p.seen(due)
	now := l.Clock.Now()
	seen.Begun, seen.Sent, seen.Done = now, now, now
	seen.Outcome, seen.Detail = record.Dropped, "the run had to end before the client could send it"
	l.tell(seen)
}

// seen begins the record of a request.
func (p *Planned) seen(due time.Duration) record.Request {
	return record.Request{
		ID: p.ID, Stream: p.Stream, Method: p.Method, Path: p.Path, Key: p.IdempotencyKey,
		Due: due, Gap: p.Gap, Warmup: p.Warmup,
	}
}

// deadline is until when a request that begins now has time, and whether that is the end of the run.
func (l *line) deadline(ctx context.Context) (deadline time.Time, runEnds bool) {
	deadline, runEnds = ctx.Deadline()
	if l.timeout > 0 {
		if own := time.Now().Add(l.timeout); own.Before(deadline) {
			return own, false
		}
	}
	return deadline, runEnds
}

// send takes one request through: a connection, the trip, the outcome. It returns when that was known. The rule is the one
// that has chosen the request, if any.
func (l *line) send(ctx context.Context, p *Planned, rule *scripted, due time.Duration, idle *pool) time.Duration {
	deadline, runEnds := l.deadline(ctx)
	seen := p.seen(due)
	seen.Begun = l.Clock.Now()
	seen.Sent = seen.Begun
	conn, err := l.connect(ctx, deadline, &seen, idle)
	if err != nil {
		seen.Outcome, seen.Detail = refusal(err, runEnds || ctx.Err() != nil), err.Error()
		seen.Done = l.Clock.Now()
		l.tell(seen)
		return seen.Done
	}
	if rule == nil {
		rule = l.Script.on(conn.number, p)
	}
	conn.begin(l, p, seen, rule, deadline)
	reusable := conn.trip.make(ctx, runEnds)
	return l.settle(conn, reusable, idle)
}

// settle keeps the connection or closes it, and tells of the request that it has carried. It returns when its outcome was known.
func (l *line) settle(c *conn, reusable bool, idle *pool) time.Duration {
	keep := l.finish(c, reusable)
	seen := c.seen // which the next one overwrites
	if keep {
		idle.put(c)
	} else {
		l.close(c)
	}
	l.release()
	l.tell(seen)
	return seen.Done
}

// finish ends the record of the request that a connection has carried, and reports whether the connection is to be kept.
func (l *line) finish(c *conn, reusable bool) (keep bool) {
	c.seen.LastByte = c.lastByte(c.seen.FirstByte)
	c.seen.Done = l.Clock.Now()
	return reusable && l.connections.keeps(c.position, c.seen.Done-c.opened)
}

// connect finds a connection for a request: an idle one, or a new one. When all are busy that there may be, it waits.
func (l *line) connect(ctx context.Context, deadline time.Time, seen *record.Request, idle *pool) (*conn, error) {
	if err := l.acquire(ctx, deadline); err != nil {
		return nil, err
	}
	if c := idle.take(l.connections, l.Clock.Now()); c != nil {
		return c, nil
	}
	dialling, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	tcp, err := l.Dial(dialling, "tcp", l.Address)
	if err != nil {
		l.release()
		return nil, err
	}
	seen.Connected = l.Clock.Now()
	return l.adopt(tcp, seen.Connected), nil
}

// acquire waits until there may be one connection more in use.
func (l *line) acquire(ctx context.Context, deadline time.Time) error {
	if l.slots == nil {
		return nil
	}
	select {
	case l.slots <- struct{}{}:
		return nil
	default:
	}
	waiting, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	select {
	case l.slots <- struct{}{}:
		if waiting.Err() == nil && time.Now().Before(deadline) {
			return nil
		}
		l.release() // it became free as the time was up
	case <-waiting.Done():
	}
	return fmt.Errorf("none of %d connections was free: %w", cap(l.slots), context.DeadlineExceeded)
}

func (l *line) release() {
	if l.slots != nil {
		<-l.slots
	}
}
