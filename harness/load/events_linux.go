package load

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/badgateway/badgateway/harness/wire"
)

// eventLoop sends the requests of many users of a closed loop and reads their answers, in one goroutine: where a gateway
// answers within microseconds, waiting connection by connection costs a client more than all else that it does. It carries
// what is ordinary: requests that no rule touches, and answers that come whole, in one read. Whatever is not goes back to its
// user, who goes on where the loop stopped, with what can wait: the same is seen and booked on both ways.
type eventLoop struct {
	line  *line
	fd    int
	epoll *os.File // the same; the runtime waits for it, as for a connection: it takes no thread
	raw   syscall.RawConn
	done  chan struct{} // closed when it has ended; nil before it is started

	mu      sync.Mutex
	carried []*carried // by the number that epoll has of each; nil where one has left
	closed  bool
}

// carried is a user whose requests an event loop sends.
type carried struct {
	*user
	conn   *conn
	tcp    *unwaiting
	number int
	back   chan struct{} // closed when the loop has given it back

	// Where the loop stopped, for the user to go on from:
	stage   stage
	rule    *scripted  // of a request that was turned to
	runEnds bool       // as the deadline of a request that was sent
	head    *wire.Head // of its answer, if that has come
	err     error      // that ended the answer
}

// stage is where a carried user stands.
type stage int

const (
	between stage = iota // no request is under way
	turned               // a request was turned to, and is to be sent by the user
	sent                 // a request was sent, and its answer is awaited
	spent                // the connection can carry no more, or the load is over
)

// lookAround is how often a loop looks for what no event tells it of: the end of the run, and deadlines. A request goes back
// to its user before its deadline, so that the user is punctual.
const lookAround = 10 * time.Millisecond

// eventLoops are as many as there are processors.
type eventLoops []*eventLoop

// eventLoops returns the loops. There are none where users wait between their requests, where connections are used once, or
// where a timeout is about as short as the time between two looks.
func (l *line) eventLoops() (loops eventLoops) {
	if !l.busy || l.connections.way != "" || l.timeout > 0 && l.timeout < 10*lookAround {
		return nil
	}
	for range min(runtime.GOMAXPROCS(0), l.users) {
		loops = append(loops, &eventLoop{line: l})
	}
	return loops
}

// start starts the loop, with the first connection that is for it.
func (e *eventLoop) start(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.done != nil {
		return nil
	}
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	_ = syscall.SetNonblock(fd, true) // which is how os knows that the runtime can wait for it
	e.fd, e.epoll = fd, os.NewFile(uintptr(fd), "epoll")
	if e.raw, err = e.epoll.SyscallConn(); err == nil {
		err = e.lookAgain()
	}
	if err != nil {
		_ = e.epoll.Close()
		return err
	}
	e.done = make(chan struct{})
	go e.run(ctx)
	return nil
}

// of returns the loop of a user; nil if there is none.
func (e eventLoops) of(user int) *eventLoop {
	if len(e) == 0 {
		return nil
	}
	return e[user%len(e)]
}

// close ends the loops, which carry nobody any more.
func (e eventLoops) close() {
	for _, loop := range e {
		loop.mu.Lock()
		loop.closed = true
		done := loop.done
		loop.mu.Unlock()
		if done != nil {
			<-done
		}
	}
}

// carry sends the requests of a user from here on, over the connection of the last one. It returns when that connection is at
// its end, or when something was not ordinary, which the user has brought to its end then.
func (e *eventLoop) carry(ctx context.Context, u *user) fitness {
	c := u.idle.take(u.line.connections, u.line.Clock.Now())
	if c == nil {
		return fit
	}
	tcp := stopWaiting(c.tcp)
	if tcp == nil {
		u.idle.put(c)
		return unfit
	}
	u.line.exchange(c, tcp)
	r := &carried{user: u, conn: c, tcp: tcp, back: make(chan struct{})}
	if r.goes(ctx, false) && e.start(ctx) == nil && e.add(r) == nil {
		<-r.back
	}
	return r.goOn(ctx)
}

// add has the loop carry a user, who has sent a request: no event is to be waited for before that, since there may be little
// room to write, and one that told of what came before would be the last. What has come since is told at once.
func (e *eventLoop) add(r *carried) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for r.number < len(e.carried) && e.carried[r.number] != nil {
		r.number++
	}
	if r.number == len(e.carried) {
		e.carried = append(e.carried, nil)
	}
	e.carried[r.number] = r
	const edge = 1 << 31 // EPOLLET, which syscall has as a negative number
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | edge, Fd: int32(r.number)}
	err := syscall.EpollCtl(e.fd, syscall.EPOLL_CTL_ADD, r.tcp.fd, &event)
	if err != nil {
		e.carried[r.number] = nil
	}
	return err
}

// leave gives a user back.
func (e *eventLoop) leave(r *carried) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.carried[r.number] = nil
	_ = syscall.EpollCtl(e.fd, syscall.EPOLL_CTL_DEL, r.tcp.fd, nil) // fails only if it is not there
	close(r.back)
}

// with returns the user of an event; nil if it has left.
func (e *eventLoop) with(number int32) *carried {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.carried[number]
}

func (e *eventLoop) run(ctx context.Context) {
	defer close(e.done)
	defer e.epoll.Close()
	var events [128]syscall.EpollEvent
	n := 0
	look := func(epoll uintptr) bool {
		n = ready(epoll, events[:])
		return n > 0
	}
	for {
		err := e.raw.Read(look)
		if err != nil && !e.lookedAround(ctx) {
			return
		}
		if err == nil {
			for _, event := range events[:n] {
				if r := e.with(event.Fd); r != nil && !r.goes(ctx, event.Events&anEnd != 0) {
					e.leave(r)
				}
			}
			runtime.Gosched() // others have work to do as well
		}
	}
}

// anEnd is what the event of a connection shows when the other side has ended it, or reset it.
const anEnd = syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR

// ready takes the events that have come, without waiting for any.
func ready(epoll uintptr, events []syscall.EpollEvent) int {
	//nolint:gosec // the kernel writes to the slice while the call lasts, as the rules of unsafe.Pointer have it
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, epoll, uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// lookAgain makes the wait for events end when it is time to look around.
func (e *eventLoop) lookAgain() error { return e.epoll.SetReadDeadline(time.Now().Add(lookAround)) }

// lookedAround gives back those for whom it is time; false if the loop is to end.
func (e *eventLoop) lookedAround(ctx context.Context) bool {
	e.mu.Lock()
	all, closed := slices.Clone(e.carried), e.closed
	e.mu.Unlock()
	soon := time.Now().Add(2 * lookAround)
	for _, r := range all {
		if r != nil && (ctx.Err() != nil || r.stage == sent && r.conn.trip.deadline.Before(soon)) {
			e.leave(r)
		}
	}
	return !closed && e.lookAgain() == nil
}

// goes does what can be done now; false if the user has to go on. The end of the connection is told once, and may have come
// together with an answer, and so may what an answer has left no room for: the request that was sent behind that would wait for
// ever, and reads it at once.
func (r *carried) goes(ctx context.Context, toldOfEnd bool) bool {
	for {
		if r.stage == sent {
			_, err := r.conn.reader.Peek(1)
			if errors.Is(err, errWouldWait) {
				return true
			}
			if r.err = err; !r.answered(ctx) {
				return false
			}
		}
		if r.stage != between || !r.sends(ctx) {
			return false
		}
		if !toldOfEnd && !r.tcp.more {
			return true
		}
	}
}

// answered takes the answer; false if it has not come whole.
func (r *carried) answered(ctx context.Context) bool {
	t := &r.conn.trip
	if r.err != nil {
		return false
	}
	t.seen.FirstByte = t.read
	if !t.head.ReadBuffered(t.reader) || !final(&t.head) {
		return false
	}
	r.head = &t.head
	if !wire.WholeResponseBody(t.reader, r.head, t.request.Method) {
		return false
	}
	keep := r.line.finish(r.conn, t.end(ctx, r.head, nil, r.runEnds))
	r.due, r.head, r.stage = t.seen.Done, nil, spent
	if keep && r.conn.alive(r.due) {
		r.stage = between
	}
	r.line.tell(r.conn.seen)
	return true
}

// sends sends the next request; false if there is none that it can send.
func (r *carried) sends(ctx context.Context) bool {
	if !r.plan() || !r.turn(ctx) {
		r.stage = spent
		return false
	}
	p := &r.planned
	r.rule = r.line.turn(p)
	expects := p.expects(r.line.connections)
	if r.rule == nil && !expects {
		r.rule = r.line.Script.on(r.conn.number, p)
	}
	if r.rule != nil || expects {
		r.stage = turned
		return false
	}
	seen := p.seen(r.due)
	seen.Begun = r.line.Clock.Now()
	seen.Sent = seen.Begun
	deadline, runEnds := r.line.deadline(ctx)
	r.runEnds = runEnds
	r.conn.begin(r.line, p, seen, nil, deadline)
	_, _ = r.conn.trip.send(ctx) // neither an answer nor an error can come of what expects nothing
	r.stage = sent
	return len(r.tcp.unsent) == 0
}

// goOn goes on where the loop stopped.
func (r *carried) goOn(ctx context.Context) fitness {
	l, c, t := r.line, r.conn, &r.conn.trip
	if r.stage == spent {
		l.close(c)
		return fit
	}
	l.exchange(c, r.tcp.wait())
	if r.stage != sent {
		r.idle.put(c)
		if r.stage == turned {
			r.send(ctx, r.rule)
		}
		return unfit
	}
	err := r.err
	if err == nil {
		err = c.setDeadline(ctx, t.deadline)
	}
	if err == nil && len(r.tcp.unsent) > 0 {
		t.whole = t.write(r.tcp.unsent)
	}
	r.due = l.settle(c, t.end(ctx, r.head, err, r.runEnds), r.idle)
	if r.err != nil {
		return fit
	}
	return unfit
}
