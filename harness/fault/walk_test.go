package fault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
)

// walkSteps is how long the random walk of each fault is.
const walkSteps = 10_000

// everyScripted is each fault that a rule of the backend carries out.
var everyScripted = []Fault{
	CloseOnReuse{By: FIN},
	CloseAfterResponse{By: RST},
	IdleTimeout{After: time.Second, By: FIN},
	UnsolicitedTimeout{After: time.Second},
	CloseBeforeResponse{By: RST},
	CloseInHead{At: InHeaders, By: FIN},
	CloseInBody{By: FIN},
	DelayResponse{For: time.Second},
	HangResponse{},
	DripResponse{Every: 1},
	QueueRequests{Service: 1, Servers: 1},
	MalformResponse{As: BadHeader},
	OversizeHeaders{Bytes: 1},
	InterimResponse{Status: 103},
	EarlyResponse{Status: 413, By: FIN},
	WithholdContinue{},
	ErrorStatus{Status: 503},
	HTTP10Response{},
	FailHealthChecks{Status: 503},
	RefuseConnections{},
	FillAcceptQueue{},
	AbandonBacklog{},
	CloseOnAccept{By: FIN},
	DropConnects{},
	LosePackets{Every: 2},
	ForgetConnections{},
}

// everyClients is each fault that a rule of the client carries out.
var everyClients = []Fault{
	AbortWhileWaiting{By: FIN}, AbortUpload{By: RST}, AbortDownload{By: FIN}, SlowUpload{Rate: 1}, SlowReader{Rate: 1}, HalfClose{},
}

// A random walk over the life of each fault, whose calls get lost before or after they did something, or are cut off by
// the end of the run: what is lifted, or failed, is never in force, what is out of turn is refused, and in the end
// everything can be lifted.
func TestRandomWalks(t *testing.T) {
	for _, f := range everyScripted {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			require.NoError(t, f.Validate())
			script := &flakyScript{random: rand.New(rand.NewPCG(1, 2)), inForce: map[string]bool{}, over: map[string]bool{}}
			walk(t, f, Site{Name: "orders-1", Backend: script}, script)
		})
	}
}

// The same over the faults of the client, which is told without a network between: a call fails, or it has worked.
func TestRandomWalksOfTheClient(t *testing.T) {
	for _, f := range everyClients {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			require.NoError(t, f.Validate())
			script := &flakyClient{random: rand.New(rand.NewPCG(1, 2)), inForce: map[string]bool{}}
			walk(t, f, Site{Name: "client", Client: script}, script)
		})
	}
}

// flakyClient is a client that fails to take some of its rules.
type flakyClient struct {
	load.Script
	random  *rand.Rand
	inForce map[string]bool
}

func (c *flakyClient) calm(bool) {}

func (c *flakyClient) active(id string) bool { return c.inForce[id] }

func (c *flakyClient) Add(r load.Rule) error {
	if c.random.IntN(4) == 0 {
		return errLost
	}
	err := c.Script.Add(r)
	c.inForce[r.ID] = err == nil
	return err
}

func (c *flakyClient) Lift(id string) {
	c.Script.Lift(id)
	delete(c.inForce, id)
}

// flaky is what a fault works on: it can be told to lose calls, and knows what is in force.
type flaky interface {
	calm(yes bool)
	active(id string) bool
}

func walk(t *testing.T, f Fault, at Site, world flaky) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	var lives []*lifecycle
	seen := map[state]int{}
	for step := range walkSteps {
		if len(lives) == 0 || random.IntN(4) == 0 {
			lives = append(lives, newLifecycle(f, at, Order{ID: fmt.Sprint("walk-", step)}))
		}
		ctx, cancel := context.WithCancel(t.Context())
		if random.IntN(8) == 0 {
			cancel() // the run was interrupted
		}
		life := lives[max(0, len(lives)-1-random.IntN(6))]
		before := life.state
		var err error
		switch random.IntN(3) {
		case 0:
			err = life.inject(ctx)
			require.True(t, before == waiting || err != nil, "injected twice")
		case 1:
			err = life.lift(ctx)
			require.True(t, life.state != active || err != nil, "not lifted, and nobody said so")
			require.True(t, before != waiting || life.state == waiting, "lifted what was never injected")
		case 2:
			_, err = life.receipt(ctx)
			require.True(t, before != waiting && before != failed || err != nil, "a receipt of nothing")
		}
		cancel()
		seen[life.state]++
		require.True(t, life.state == active || !world.active(life.order.ID), "%s, and in force", life.state)
	}
	world.calm(true)
	for _, life := range lives {
		require.NoError(t, life.lift(t.Context()))
		require.False(t, world.active(life.order.ID), "in force after the end")
	}
	for _, s := range []state{waiting, active, lifted, failed} {
		assert.Positive(t, seen[s], "the walk never came to %s", s)
	}
}

var errLost = errors.New("the call got lost")

// flakyScript takes rules as a backend does, over a network that loses calls on the way or their answers.
type flakyScript struct {
	random  *rand.Rand
	quiet   bool
	inForce map[string]bool
	over    map[string]bool
}

func (s *flakyScript) calm(yes bool) { s.quiet = yes }

func (s *flakyScript) active(id string) bool { return s.inForce[id] }

// call does something, unless it gets lost; then it may have been done or not.
func (s *flakyScript) call(ctx context.Context, do func() error) error {
	lost := s.random.IntN(6)
	if s.quiet {
		lost = -1
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if lost == 0 {
		return errLost
	}
	err := do()
	if lost == 1 {
		return errLost
	}
	return err
}

func (s *flakyScript) Add(ctx context.Context, r backend.Rule) error {
	if err := r.Validate(); err != nil {
		return err
	}
	return s.call(ctx, func() error {
		if s.inForce[r.ID] || s.over[r.ID] {
			return errors.New("already known")
		}
		s.inForce[r.ID] = true
		return nil
	})
}

func (s *flakyScript) Lift(ctx context.Context, id string) error {
	return s.call(ctx, func() error {
		delete(s.inForce, id)
		s.over[id] = true
		return nil
	})
}

func (s *flakyScript) Receipt(ctx context.Context, _ string) (record.Receipt, error) {
	return record.Receipt{}, s.call(ctx, func() error { return nil })
}

func (s *flakyScript) Await(context.Context, int) error { return nil }
