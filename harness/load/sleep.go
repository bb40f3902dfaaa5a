package load

import (
	"context"
	"time"

	"github.com/badgateway/badgateway/harness/record"
)

// sleeper waits for instants. The runtime's timers go off up to a millisecond late on a machine that has little to do, since
// they wait in whole milliseconds: the last bit is waited for with the kernel's own, where there are any.
type sleeper struct {
	clock  record.Clock
	coarse *time.Timer
	fine   *fineTimer // nil if there are none, or the clock is not the kernel's
}

// fineFrom is how near an instant must be to be waited for with a fine timer.
const fineFrom = 2 * time.Millisecond

func newSleeper(clock record.Clock) *sleeper {
	timer := time.NewTimer(0)
	<-timer.C
	return &sleeper{clock: clock, coarse: timer, fine: newFineTimer()}
}

func (s *sleeper) close() {
	s.coarse.Stop()
	s.fine.close()
}

// until returns at that instant, or earlier when the context has ended.
func (s *sleeper) until(ctx context.Context, instant time.Duration) {
	for ctx.Err() == nil {
		now := s.clock.Now()
		wait := instant - now
		switch {
		case wait <= 0:
			return
		case s.fine == nil:
			s.wait(ctx, wait)
		case wait > fineFrom:
			s.wait(ctx, wait-fineFrom/2)
		default:
			err := s.fine.wait(wait)
			if err != nil || s.clock.Now() == now { // the kernel's time does not go on in tests with a clock of their own
				s.fine.close()
				s.fine = nil
			}
		}
	}
}

func (s *sleeper) wait(ctx context.Context, d time.Duration) {
	s.coarse.Reset(d)
	select {
	case <-s.coarse.C:
	case <-ctx.Done():
	}
}
