package load

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/badgateway/badgateway/harness/record"
)

// planned lists the ids of a load.
func planned(load Constant) (ids []string) {
	for p := range load.Plan(1) {
		ids = append(ids, p.ID)
	}
	return ids
}

func ids(seen []record.Request) (ids []string) {
	for _, r := range seen {
		ids = append(ids, r.ID)
	}
	return ids
}

// Every planned request reaches the gateway once and is seen once, whatever the client's connections are.
func TestEveryRequestIsSeenOnce(t *testing.T) {
	for _, connections := range []Connections{KeepAlive, PerRequest, PerRequestHTTP10} {
		t.Run("connections "+connections.String(), func(t *testing.T) {
			t.Parallel()
			g := serve(t, answerAll)
			load := Constant{Rate: 1000, For: 300 * time.Millisecond, Request: orders, Connections: connections}
			seen, err := send(t.Context(), clientTo(g.address), load)
			require.NoError(t, err)
			assert.ElementsMatch(t, planned(load), ids(seen))
			assert.ElementsMatch(t, planned(load), g.came())
			places := map[string]bool{}
			for _, r := range seen {
				assert.Equal(t, record.Complete, r.Outcome, r.Detail)
				assert.False(t, places[place(r)], "two requests at %s", place(r))
				places[place(r)] = true
				assertOrder(t, r, true)
			}
		})
	}
}

// What is seen is the schedule: method, path and due time of every request.
func TestWhatIsSeenIsWhatWasPlanned(t *testing.T) {
	load := Constant{Rate: 1000, For: 50 * time.Millisecond, Request: orders}
	client := clientTo(serve(t, answerAll).address)
	var began time.Duration
	client.Began = func(at time.Duration) { began = at }
	seen, err := send(t.Context(), client, load)
	require.NoError(t, err)
	byID := map[string]record.Request{}
	for _, r := range seen {
		byID[r.ID] = r
	}
	for p := range load.Plan(1) {
		r := byID[p.ID]
		assert.Equal(t, p.Method+" "+p.Path, r.Method+" "+r.Path)
		assert.Equal(t, began+p.Due, r.Due)
	}
}

// A gateway that cuts off every reuse gets each request once all the same: a GET that failed is not sent again, not even
// on a new connection, as net/http would do without a word.
func TestNothingIsSentAgain(t *testing.T) {
	for name, cut := range map[string]func(*peer){
		"by FIN":           func(*peer) {},
		"by reset":         func(p *peer) { p.reset() },
		"within an answer": func(p *peer) { p.write("HTTP/1.1 200") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := serve(t, func(p *peer) {
				if q, ok := p.request(); ok {
					p.write(whole(q.id()))
				}
				if _, ok := p.request(); ok {
					cut(p)
				}
			})
			s := step(t, g.address, KeepAlive)
			var want []string
			for i := range 8 {
				r := s.next(t, GET("/orders"))
				assert.Equal(t, i%2 == 1, r.Failed(), r.Detail)
				assert.Equal(t, strconv.Itoa(i/2+1)+"/"+strconv.Itoa(i%2+1), place(r))
				want = append(want, r.ID)
			}
			assert.Equal(t, want, g.came())
		})
	}
}

// A cancelled run breaks off what is under way on real connections too, and leaves no goroutine and no socket behind.
func TestCancellationLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	interrupted := errors.New("interrupted")
	t.Run("run", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		g := serve(t, func(p *peer) {
			if _, ok := p.request(); !ok {
				return
			}
			if len(p.gateway.came()) == 10 {
				cancel(interrupted)
			}
			p.hold()
		})
		load := Constant{Rate: 100, For: time.Hour, Request: orders}
		seen, err := send(ctx, clientTo(g.address), load)
		require.ErrorIs(t, err, interrupted)
		assert.GreaterOrEqual(t, len(seen), 10)
		assert.Less(t, len(seen), 100_000)
		for _, r := range seen {
			assert.Equal(t, record.Hung, r.Outcome, r.Detail)
		}
		for _, id := range g.came() {
			assert.True(t, slices.Contains(ids(seen), id), "%s came and was not seen", id)
		}
	})
	goleak.VerifyNone(t, before)
}
