package load

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Closed is a closed loop: each connection sends its next request when the one before has been answered, as a pool of
// workers does. A gateway that is slow gets less to do, so its latencies flatter it: they say nothing of the requests that
// were never sent. While the lab ends or starts a process, which may take a second or several, its time stands still, so
// that what comes after that is as long as was planned.
type Closed struct {
	// Connections is how many there are.
	Connections int
	// Think is how long each waits after an answer before it sends the next request.
	Think time.Duration
	// Use says how each of them is used; at the end of its use it is replaced.
	Use Connections
	// Requests is how many are sent at most, on all connections together; the load is over then. Zero is as many as there is
	// time for. A verdict that takes so many requests, however long they take, asks for them with it.
	Requests int
	// The others are as in Constant.
	For     time.Duration
	Request Source
	Timeout time.Duration
	Warmup  time.Duration

	_ struct{}
}

// PhaseLocked is a closed loop in which the next request of a connection goes a time after its last answer that is swept
// over: right before and right after the idle timeout of a gateway, say. The record has the gap of each request.
type PhaseLocked struct {
	// Connections is how many there are.
	Connections int
	// Gaps are the times; each connection takes them in an order of its own, and each of them once before any again.
	Gaps Sweep
	// Use and the others are as in Closed.
	Use     Connections
	For     time.Duration
	Request Source
	Timeout time.Duration
	Warmup  time.Duration

	_ struct{}
}

// Sweep is evenly spaced times, from one to another, both included if the step leads there.
type Sweep struct{ From, To, Step time.Duration }

// times lists them.
func (s Sweep) times() (all []time.Duration) {
	for d := s.From; d <= s.To; d += s.Step {
		all = append(all, d)
	}
	return all
}

// mostGaps keeps a sweep of nanoseconds from filling the memory.
const mostGaps = 10_000

func (s Sweep) problem() error {
	if s.From < 0 || s.To < s.From || s.Step <= 0 || (s.To-s.From)/s.Step >= mostGaps {
		return fmt.Errorf("load: gaps from %s to %s by %s, want at least one and at most %d", s.From, s.To, s.Step, mostGaps)
	}
	return nil
}

// shuffled draws the times, each once before any again.
func (s Sweep) shuffled(random *rand.Rand) func() time.Duration {
	all, next := s.times(), 0
	return func() time.Duration {
		if next == 0 {
			random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		}
		d := all[next]
		next = (next + 1) % len(all)
		return d
	}
}

func (l Closed) stream() stream {
	s := stream{
		how: "on " + connections(l.Connections), users: l.Connections, most: l.Requests, busy: l.Think == 0, count: Unknown,
		lasts: l.For, request: l.Request, connections: l.Use, timeout: l.Timeout, warmup: l.Warmup,
		wrong: problems(usersProblem(l.Connections)),
		gaps:  func(*rand.Rand) func() time.Duration { return func() time.Duration { return l.Think } },
	}
	if l.Requests != 0 {
		s.how += fmt.Sprintf(", %d requests at most", l.Requests)
	}
	if l.Requests < 0 || l.Requests > 0 && l.Requests < l.Connections {
		s.wrong = append(s.wrong, fmt.Errorf("load: %d requests at most on %s, want one for each at least", l.Requests, connections(l.Connections)))
	}
	if l.Think < 0 {
		s.wrong = append(s.wrong, fmt.Errorf("load: %s to think", l.Think))
	}
	if l.Think > 0 {
		s.how += fmt.Sprintf(", each %s after the answer before", l.Think)
	}
	return s
}

func (l PhaseLocked) stream() stream {
	return stream{
		how: fmt.Sprintf("on %s, each %s to %s by %s after the answer before",
			connections(l.Connections), l.Gaps.From, l.Gaps.To, l.Gaps.Step),
		users: l.Connections, count: Unknown,
		lasts: l.For, request: l.Request, connections: l.Use, timeout: l.Timeout, warmup: l.Warmup,
		wrong: problems(usersProblem(l.Connections), l.Gaps.problem()),
		gaps:  l.Gaps.shuffled,
	}
}

func connections(n int) string {
	if n == 1 {
		return "1 connection"
	}
	return fmt.Sprintf("%d connections", n)
}

func usersProblem(n int) error {
	if n < 1 || n > 10_000 {
		return fmt.Errorf("load: %s, want at least 1 and at most 10000", connections(n))
	}
	return nil
}
