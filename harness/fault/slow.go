package fault

import (
	"context"
	"sync"
	"time"

	"github.com/badgateway/badgateway/harness/record"
)

// slowness is the time in which something was being done to processes, or undone.
type slowness struct {
	mu    sync.Mutex
	doing int
	since time.Duration // while something is
	total time.Duration
}

// begins books that something is being done, until what it returns is called.
func (s *slowness) begins(clock record.Clock) (ends func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doing == 0 {
		s.since = clock.Now()
	}
	s.doing++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.doing--; s.doing == 0 {
			s.total += clock.Now() - s.since
		}
	}
}

// Slow is for how long, since the load began, the lab was ending or starting processes: nobody can plan that.
func (r *Run) Slow() time.Duration {
	r.slow.mu.Lock()
	defer r.slow.mu.Unlock()
	if r.slow.doing == 0 {
		return r.slow.total
	}
	return r.slow.total + r.clock.Now() - r.slow.since
}

// slowly books what is done to processes; what is done to anything else takes next to no time.
func (r *Run) slowly(w *window) (ends func()) {
	if !w.Inject.Acts().Alone {
		return func() {}
	}
	return r.slow.begins(r.clock)
}

// applySlowly is apply while the load is under way.
func (r *Run) applySlowly(ctx context.Context, w *window) error {
	defer r.slowly(w)()
	return r.apply(ctx, w)
}
