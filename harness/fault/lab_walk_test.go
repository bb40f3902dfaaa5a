package fault_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/toxiproxy"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/harness/wire"
)

// stepsVariable makes the walks longer than a test of every day should take: each proof of a silence takes 300 ms.
const stepsVariable = "BADGATEWAY_WALK_STEPS"

func steps(t *testing.T) int {
	t.Helper()
	if text := os.Getenv(stepsVariable); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		return n
	}
	return 60
}

// Random walks over the lives of the faults that a lab or a Toxiproxy carries out, in a real lab of which calls get lost
// before or after they did something, or are cut off by the end of the run: when a fault is lifted, or failed, the replica
// answers again.
func TestRandomWalksInALab(t *testing.T) {
	for _, f := range []fault.Fault{
		fault.LinkLatency{Latency: 5 * time.Millisecond},
		fault.LinkBandwidth{KBps: 1000},
		fault.LinkBlackHole{},
		fault.LinkSlicer{Size: 100, Delay: time.Millisecond},
		fault.LinkCut{After: 100},
		fault.LinkDown{},
		fault.StaleWindow{After: idle, Held: 20 * time.Millisecond},
		fault.Kill{},
		fault.StopReplica{},
		fault.Pause{},
		fault.Replace{},
		fault.Replace{ListFirst: true},
		fault.StaleAddress{},
		fault.ScaleDown{},
		fault.ScaleDown{StopFirst: true},
		fault.ReloadGateway{},
		fault.StopGateway{},
	} {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			s := start(t, "stdlib")
			require.NoError(t, f.Validate())
			world := &flakyLab{random: rand.New(rand.NewPCG(5, 6)), lab: s, broken: s.direct}
			if slices.Contains(f.Acts().Needs, fault.Link) {
				world.broken = s.linked
			}
			seen := map[string]int{}
			for step := 0; step < steps(t); {
				step += world.live(t, f, step, seen)
			}
			assert.Positive(t, seen["lifted"])
			assert.Positive(t, seen["failed"])
		})
	}
}

// flakyLab is a lab over a network that loses calls on the way, or their answers.
type flakyLab struct {
	random *rand.Rand
	calm   bool
	lab    *stage
	broken topology.Replica
}

// live takes one fault through one life, and returns how many steps that took.
func (w *flakyLab) live(t *testing.T, f fault.Fault, number int, seen map[string]int) int {
	t.Helper()
	w.calm = false
	life := fault.NewLife(f, w.site(f), fault.Order{ID: fmt.Sprint("walk-", number)})
	state, step := "waiting", 0
	for ; step < 12 && state != "lifted" && state != "failed"; step++ {
		ctx, cancel := context.WithCancel(t.Context())
		if w.random.IntN(8) == 0 {
			cancel() // the run was interrupted
		}
		var err error
		state, err = life.Step(ctx, []string{"inject", "inject", "lift", "receipt"}[w.random.IntN(4)])
		cancel()
		if err == nil {
			continue
		}
		require.NotContains(t, err.Error(), "panic")
	}
	w.calm = true
	state, err := life.Step(t.Context(), "lift")
	require.NoError(t, err)
	require.NotEqual(t, "active", state)
	seen[state]++
	w.requireWell(t)
	return step
}

// requireWell requires the replica to answer, and the gateway too.
func (w *flakyLab) requireWell(t *testing.T) {
	t.Helper()
	for _, address := range []string{w.lab.Site(w.broken).Dial, w.lab.Address()} {
		require.Eventually(t, func() bool {
			var dialer net.Dialer
			conn, err := dialer.DialContext(t.Context(), "tcp", address)
			if err != nil {
				return false
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Second))
			began := time.Now()
			status, err := wire.Ask(conn, wire.ReadyPath)
			return err == nil && status == 200 && time.Since(began) < silence
		}, 10*time.Second, 5*time.Millisecond, address)
	}
}

var errLost = errors.New("the call got lost")

func (w *flakyLab) call(ctx context.Context, do func(context.Context) error) error {
	lost := w.random.IntN(8)
	if w.calm {
		lost = -1
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if lost == 0 {
		return errLost
	}
	err := do(ctx)
	if lost == 1 {
		return errors.Join(err, errLost)
	}
	return err
}

func (w *flakyLab) site(f fault.Fault) fault.Site {
	gateway := flakyGateway{w.lab.Gateway(), w}
	if f.Acts().On == fault.Gateway {
		return fault.Site{Name: "gateway", Gateway: gateway}
	}
	at := w.lab.Site(w.broken)
	at.Process, at.Lives, at.Gateway = flakyProcess{at.Process, w}, flakyLives{at.Lives, w}, gateway
	if at.Link != nil {
		at.Link = flakyLink{at.Link, w}
	}
	return at
}

type flakyProcess struct {
	fault.Process
	w *flakyLab
}

func (p flakyProcess) Kill(ctx context.Context) error   { return p.w.call(ctx, p.Process.Kill) }
func (p flakyProcess) Start(ctx context.Context) error  { return p.w.call(ctx, p.Process.Start) }
func (p flakyProcess) Pause(ctx context.Context) error  { return p.w.call(ctx, p.Process.Pause) }
func (p flakyProcess) Resume(ctx context.Context) error { return p.w.call(ctx, p.Process.Resume) }
func (p flakyProcess) Stop(ctx context.Context, grace time.Duration) error {
	return p.w.call(ctx, func(ctx context.Context) error { return p.Process.Stop(ctx, grace) })
}

type flakyLives struct {
	fault.Lives
	w *flakyLab
}

func (l flakyLives) Succeed(ctx context.Context) (next fault.Site, err error) {
	err = l.w.call(ctx, func(ctx context.Context) (err error) {
		next, err = l.Lives.Succeed(ctx)
		return err
	})
	return next, err
}

func (l flakyLives) Retire(ctx context.Context, grace time.Duration) error {
	return l.w.call(ctx, func(ctx context.Context) error { return l.Lives.Retire(ctx, grace) })
}

func (l flakyLives) Supplant(ctx context.Context, injection string) error {
	return l.w.call(ctx, func(ctx context.Context) error { return l.Lives.Supplant(ctx, injection) })
}

func (l flakyLives) Unmask(ctx context.Context) error { return l.w.call(ctx, l.Lives.Unmask) }

type flakyGateway struct {
	fault.GatewayProcess
	w *flakyLab
}

func (g flakyGateway) Include(ctx context.Context, r topology.Replica) error {
	return g.w.call(ctx, func(ctx context.Context) error { return g.GatewayProcess.Include(ctx, r) })
}

func (g flakyGateway) Exclude(ctx context.Context, r topology.Replica) error {
	return g.w.call(ctx, func(ctx context.Context) error { return g.GatewayProcess.Exclude(ctx, r) })
}

func (g flakyGateway) Reload(ctx context.Context) error {
	return g.w.call(ctx, g.GatewayProcess.Reload)
}

func (g flakyGateway) Stop(ctx context.Context) error { return g.w.call(ctx, g.GatewayProcess.Stop) }

func (g flakyGateway) Start(ctx context.Context) error { return g.w.call(ctx, g.GatewayProcess.Start) }

type flakyLink struct {
	fault.Toxics
	w *flakyLab
}

func (l flakyLink) Enable(ctx context.Context) error  { return l.w.call(ctx, l.Toxics.Enable) }
func (l flakyLink) Disable(ctx context.Context) error { return l.w.call(ctx, l.Toxics.Disable) }

func (l flakyLink) Add(ctx context.Context, t toxiproxy.Toxic) error {
	return l.w.call(ctx, func(ctx context.Context) error { return l.Toxics.Add(ctx, t) })
}

func (l flakyLink) Remove(ctx context.Context, name string) error {
	return l.w.call(ctx, func(ctx context.Context) error { return l.Toxics.Remove(ctx, name) })
}
