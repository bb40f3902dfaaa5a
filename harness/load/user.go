package load

import (
	"context"
	"time"
)

// user is one of those who share a closed loop: it sends its requests one after another, each after the answer to the one
// before, on one connection at a time.
type user struct {
	line     *line
	requests *sequence
	idle     *pool
	begin    time.Duration // of the load
	due      time.Duration // of the planned request; until it is planned, when the answer before had come
	planned  Planned       // in one place for all of them
}

// run sends the requests until the load is over.
func (u *user) run(ctx context.Context, events *eventLoop) {
	sleep := newSleeper(u.line.Clock)
	defer sleep.close()
	defer u.idle.close()
	for u.plan() {
		if u.planned.Gap > 0 { // else it is due already, since the load began or since the answer before
			sleep.until(ctx, u.due)
		}
		if !u.turn(ctx) {
			return
		}
		u.send(ctx, u.line.turn(&u.planned))
		if events != nil && events.carry(ctx, u) == unfit {
			events = nil
		}
	}
}

// plan plans the next request; false if the load is over.
func (u *user) plan() bool {
	u.planned = u.requests.next()
	u.due += u.planned.Gap
	u.planned.Warmup = u.due-u.begin < u.line.warmup
	return u.due < u.begin+u.line.lasts+u.line.longer()
}

// turn reports whether there is a turn left for the planned request.
func (u *user) turn(ctx context.Context) bool {
	return ctx.Err() == nil && (u.line.most == 0 || u.line.begun.Add(1) <= int64(u.line.most))
}

// send takes the planned request through.
func (u *user) send(ctx context.Context, rule *scripted) {
	u.due = u.line.send(ctx, &u.planned, rule, u.due, u.idle)
}

// fitness says whether the requests of a user, and the answers to them, are of the kind that an event loop carries.
type fitness bool

const (
	fit   fitness = true
	unfit fitness = false
)
