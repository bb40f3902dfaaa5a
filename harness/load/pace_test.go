package load

import (
	"bufio"
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
)

// These tests run on a fake clock, so that every instant is exact and none takes any time.

func onFakeClock(t *testing.T, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t)
		time.Sleep(24 * time.Hour) // the gateway's last answers, which nobody waits for
	})
}

// everyTenth is due every 100 ms.
func everyTenth(seconds int) Constant {
	return Constant{Rate: 10, For: time.Duration(seconds) * time.Second, Request: GET("/orders")}
}

// pipes is a gateway on in-memory connections: connecting and answering each take their time, and a pause within the answer.
type pipes struct {
	connect, answer, pause time.Duration
	hold                   func(id string) // waits longer; may be nil
}

func (g pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	select {
	case <-time.After(g.connect):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		in := bufio.NewReader(server)
		for {
			head, err := wire.ReadRequestHead(in)
			if err != nil {
				return
			}
			if _, err := wire.ReadRequestBody(in, head); err != nil {
				return
			}
			time.Sleep(g.answer)
			if g.hold != nil {
				g.hold(head.Get(wire.ID))
			}
			answer := []byte(whole(head.Get(wire.ID)))
			if _, err := server.Write(answer[:len(answer)-1]); err != nil {
				return
			}
			time.Sleep(g.pause)
			if _, err := server.Write(answer[len(answer)-1:]); err != nil {
				return
			}
		}
	}()
	return client, nil
}

func (g pipes) client() Client {
	c := clientTo("gateway:80")
	c.Dial = g.dial
	return c
}

// A gateway that takes 8 s for each request is sent the next one after 100 ms all the same: an open loop does not let a
// slow gateway slow the load down and hide its own slowness.
func TestOpenLoop(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		client := pipes{connect: 3 * time.Second, answer: 5 * time.Second}.client()
		time.Sleep(time.Minute) // the load does not begin with the clock
		seen, err := send(t.Context(), client, everyTenth(2))
		require.NoError(t, err)
		require.Len(t, seen, 20)
		for i, r := range seen {
			due := time.Minute + time.Duration(i)*100*time.Millisecond
			assert.Equal(t, due, r.Due)
			assert.Equal(t, due, r.Begun, "handed out exactly when it is due")
			assert.Equal(t, due+3*time.Second, r.Sent, "the time to connect is seen apart")
			assert.Equal(t, due+8*time.Second, r.FirstByte)
			assert.Equal(t, due+8*time.Second, r.Done)
			assert.Equal(t, record.Complete, r.Outcome)
			assert.Equal(t, i+1, r.Connection, "none was free")
		}
	})
}

// The pacer itself waits for nobody but the clock.
func TestPaceIsExact(t *testing.T) {
	for _, rate := range []float64{1, 3, 7, 100, 333.3, 100_000} {
		onFakeClock(t, func(t *testing.T) {
			clock := record.StartClock()
			load := Constant{Rate: rate, For: 2 * time.Second, Request: GET("/")}
			n := 0
			l := (&run{Client: Client{Clock: clock}}).line(load.stream())
			l.pace(t.Context(), time.Hour, 1, func(p Planned, due time.Duration) {
				require.Equal(t, time.Hour+p.Due, due)
				require.Equal(t, due, clock.Now())
				n++
			})
			require.Equal(t, load.Count(), n)
		})
	}
}

// A client that was held up sends what it owes at once, leaves nothing out, and is then on time again. What it owed keeps
// its due time, so that the lateness shows.
func TestLateClientShows(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		client := pipes{}.client()
		client.Began = func(time.Duration) { time.Sleep(250 * time.Millisecond) }
		seen, err := send(t.Context(), client, everyTenth(1))
		require.NoError(t, err)
		late := map[time.Duration]time.Duration{}
		for _, r := range seen {
			late[r.Due] = r.Begun - r.Due
		}
		ms := time.Millisecond
		assert.Equal(t, map[time.Duration]time.Duration{
			0: 250 * ms, 100 * ms: 150 * ms, 200 * ms: 50 * ms,
			300 * ms: 0, 400 * ms: 0, 500 * ms: 0, 600 * ms: 0, 700 * ms: 0, 800 * ms: 0, 900 * ms: 0,
		}, late)
	})
}

// Between two requests or after the last one, the end of the context stops the load; its cause is returned.
func TestCancelledLoad(t *testing.T) {
	interrupted := errors.New("interrupted")
	for name, test := range map[string]struct {
		after time.Duration
		sent  int
	}{
		"before the first":     {0, 0},
		"in the middle":        {450 * time.Millisecond, 5},
		"while the last hangs": {1500 * time.Millisecond, 10},
	} {
		t.Run(name, func(t *testing.T) {
			onFakeClock(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(test.after, func() { cancel(interrupted) })
				if test.after == 0 {
					cancel(interrupted)
				}
				client := pipes{answer: time.Hour}.client()
				seen, err := send(ctx, client, everyTenth(1))
				assert.ErrorIs(t, err, interrupted)
				assert.Len(t, seen, test.sent)
				for _, r := range seen {
					assert.Equal(t, record.Hung, r.Outcome)
					assert.Equal(t, test.after, r.Done, "broken off at once")
				}
			})
		})
	}
}

// A request that the end of the context broke off says nothing about the gateway, whatever the client was waiting for.
func TestBrokenOffIsHung(t *testing.T) {
	for name, test := range map[string]struct {
		gateway pipes
		timeout time.Duration
	}{
		"connecting":                 {pipes{connect: time.Hour}, 0},
		"connecting, with a timeout": {pipes{connect: time.Hour}, time.Minute},
		"waiting":                    {pipes{answer: time.Hour}, 0},
		"waiting, with a timeout":    {pipes{answer: time.Hour}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			onFakeClock(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(450*time.Millisecond, cancel)
				load := everyTenth(1)
				load.Timeout = test.timeout
				seen, err := send(ctx, test.gateway.client(), load)
				assert.ErrorIs(t, err, context.Canceled)
				assert.Len(t, seen, 5)
				for _, r := range seen {
					assert.Equal(t, record.Hung, r.Outcome, r.Detail)
				}
			})
		})
	}
}

// Without a timeout of its own the client waits until the run has to end.
func TestPatienceAndTimeout(t *testing.T) {
	for name, test := range map[string]struct {
		gateway pipes
		timeout time.Duration
		outcome record.Outcome
		done    func(due time.Duration) time.Duration
	}{
		"hung":                  {pipes{answer: time.Hour}, 0, record.Hung, runEnd},
		"hung while connecting": {pipes{connect: time.Hour}, 0, record.Hung, runEnd},
		"timed out":             {pipes{answer: time.Hour}, 3 * time.Second, record.TimedOut, after(3 * time.Second)},
		"timed out while connecting": {
			pipes{connect: time.Hour}, 3 * time.Second, record.TimedOut, after(3 * time.Second),
		},
		"a timeout longer than the run": {pipes{answer: time.Hour}, time.Hour, record.Hung, runEnd},
		"just in time":                  {pipes{answer: 3 * time.Second}, 3*time.Second + 1, record.Complete, after(3 * time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			onFakeClock(t, func(t *testing.T) {
				load := everyTenth(1)
				load.Timeout = test.timeout
				seen, err := send(t.Context(), test.gateway.client(), load)
				require.NoError(t, err)
				require.Len(t, seen, 10)
				for _, r := range seen {
					assert.Equal(t, test.outcome, r.Outcome)
					assert.Equal(t, test.done(r.Due), r.Done)
				}
			})
		})
	}
}

// runEnd is a second of load and the patience after it.
func runEnd(time.Duration) time.Duration { return time.Second + patience }

func after(d time.Duration) func(time.Duration) time.Duration {
	return func(due time.Duration) time.Duration { return due + d }
}

// At ten requests a second, answers that take 250 ms keep three connections busy: as many are opened, and used in turn.
func TestAsManyConnectionsAsNeeded(t *testing.T) {
	for name, test := range map[string]struct {
		answer      time.Duration
		connections Connections
		opened      int
	}{
		"quick answers":     {0, KeepAlive, 1},
		"slow answers":      {250 * time.Millisecond, KeepAlive, 3},
		"one for each":      {0, PerRequest, 20},
		"one for each, 1.0": {0, PerRequestHTTP10, 20},
	} {
		t.Run(name, func(t *testing.T) {
			onFakeClock(t, func(t *testing.T) {
				load := everyTenth(2)
				load.Connections = test.connections
				seen, err := send(t.Context(), pipes{answer: test.answer}.client(), load)
				require.NoError(t, err)
				on := map[int]int{}
				for _, r := range seen {
					on[r.Connection]++
					assert.Equal(t, on[r.Connection], r.Position)
				}
				assert.Len(t, on, test.opened)
			})
		})
	}
}
