package load

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
)

// stalling is a gateway that answers at once, except that for a second, from an instant on, it does not answer at all:
// whatever comes within that second is answered at its end. It keeps when it answered.
type stalling struct {
	clock    record.Clock
	from     atomic.Int64
	mu       sync.Mutex
	answered map[string]time.Duration
}

func newStalling(clock record.Clock) *stalling {
	s := &stalling{clock: clock, answered: map[string]time.Duration{}}
	s.from.Store(math.MaxInt64)
	return s
}

// hold waits as long as the answer to a request is to wait.
func (s *stalling) hold(id string) {
	since := s.clock.Now() - time.Duration(s.from.Load())
	if since >= 0 && since < time.Second {
		time.Sleep(time.Second - since)
	}
	s.mu.Lock()
	s.answered[id] = s.clock.Now()
	s.mu.Unlock()
}

func (s *stalling) serve(p *peer) {
	for {
		q, ok := p.request()
		if !ok {
			return
		}
		s.hold(q.id())
		p.write(whole(q.id()))
	}
}

// quantile is the least of the durations that so large a share does not exceed.
func quantile(q float64, seen []record.Request, took func(record.Request) time.Duration) time.Duration {
	all := make([]time.Duration, len(seen))
	for i, r := range seen {
		all[i] = took(r)
	}
	slices.Sort(all)
	return all[int(math.Ceil(q*float64(len(all))))-1]
}

func fromDue(r record.Request) time.Duration  { return r.Done - r.Due }
func fromSent(r record.Request) time.Duration { return r.Done - r.Sent }

// stalled are loads of two seconds, of which the gateway stalls for one from half a second on. Half of the requests are due
// then, and wait for what is left of that second: anything from 0 to 1 s, all equally likely. So the quantile q of the latency
// is 1 s - 2 s·(1-q), for those of the slower half.
var stalled = []struct {
	name  string
	load  Load
	shows bool // in the latency from due
	hides bool // the latency from sent
}{
	{"as many connections as needed", Constant{Rate: 50, For: 2 * time.Second, Request: GET("/orders")}, true, false},
	// Requests queue up before the connections: the client's own pool hides the stall from whoever measures behind it.
	{"few connections", Constant{Rate: 250, For: 2 * time.Second, Connections: Connections{AtMost: 4}, Request: GET("/orders")}, true, true},
	// A closed loop sends next to nothing during the stall, and so finds that next to nothing took long.
	{"closed loop", Closed{Connections: 2, Think: 2 * ms, For: 2 * time.Second, Request: GET("/orders")}, false, true},
}

// assertShown compares the quantiles that were measured with those there should be.
func assertShown(t *testing.T, shows, hides bool, seen []record.Request, theory func(q float64) time.Duration) {
	t.Helper()
	for _, q := range []float64{0.9, 0.95, 0.99} {
		want, due, sent := theory(q), quantile(q, seen, fromDue), quantile(q, seen, fromSent)
		t.Logf("p%g: in theory %s, from due %s, from sent %s", 100*q, want, due, sent)
		if shows {
			assert.InEpsilon(t, want, due, 0.02, "p%g", 100*q)
		} else {
			assert.Less(t, due, want/4, "p%g", 100*q)
		}
		if hides {
			assert.Less(t, sent, want/4, "p%g", 100*q)
		}
	}
}

// In memory and on a fake clock nothing but the stall takes time.
func TestStallShowsFromDueTimesInTheory(t *testing.T) {
	for _, test := range stalled {
		t.Run(test.name, func(t *testing.T) {
			onFakeClock(t, func(t *testing.T) {
				client := pipes{}.client()
				stall := newStalling(client.Clock)
				client.Dial = pipes{hold: stall.hold}.dial
				client.Began = func(at time.Duration) { stall.from.Store(int64(at + time.Second/2)) }
				seen, err := send(t.Context(), client, test.load)
				require.NoError(t, err)
				assertShown(t, test.shows, test.hides, seen, func(q float64) time.Duration {
					return time.Second - time.Duration(2*(1-q)*float64(time.Second))
				})
			})
		})
	}
}

// Over real connections the theory is what the gateway itself knows: it tells when each answer left, so that a machine that
// is busy does not blur the comparison.
func TestStallShowsFromDueTimes(t *testing.T) {
	for _, test := range stalled {
		t.Run(test.name, func(t *testing.T) { // one by one: they are measurements
			client := clientTo("")
			stall := newStalling(client.Clock)
			client.Address = serve(t, stall.serve).address
			client.Began = func(at time.Duration) { stall.from.Store(int64(at + time.Second/2)) }
			seen, err := send(t.Context(), client, test.load)
			require.NoError(t, err)
			if !test.shows {
				assertShown(t, false, test.hides, seen, func(float64) time.Duration { return time.Second })
				return
			}
			assertShown(t, true, test.hides, seen, func(q float64) time.Duration {
				return quantile(q, seen, func(r record.Request) time.Duration { return stall.answered[r.ID] - r.Due })
			})
			assert.Greater(t, quantile(0.99, seen, fromDue), 900*ms)
		})
	}
}
