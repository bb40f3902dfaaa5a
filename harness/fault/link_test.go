package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/peer"
	"github.com/badgateway/badgateway/fixtures/toxiproxy"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/harness/wire"
)

// answer64 asks for a body of 64 bytes, get is a request that does.
const answer64 = wire.Answer + ": 64"

var get = peer.Get("r", answer64)

// long is a time that can be told from what a busy machine takes.
const long = 300 * time.Millisecond

// Every fault of a link has its row here: what the gateway sees on a connection that was open before and on a new one, and
// what is left when it is lifted.
var linkFaults = map[string]struct {
	fault Fault
	bites func(t *testing.T, w *world, pooled *peer.Peer)
	// ended are pooled connections that do not outlive the fault.
	ended bool
	proof string
}{
	"LinkLatency": {
		fault: LinkLatency{Latency: long}, proof: `^an answer of \d+ bytes took \d\S+s$`,
		bites: func(t *testing.T, w *world, pooled *peer.Peer) {
			t.Helper()
			assert.GreaterOrEqual(t, timed(t, pooled), long)
			assert.GreaterOrEqual(t, timed(t, w.dial(t, replica(1))), long)
		},
	},
	"LinkLatency with jitter": {
		fault: LinkLatency{Latency: 2 * long, Jitter: long}, proof: `^an answer of \d+ bytes took \d\S+s$`,
		bites: func(t *testing.T, w *world, pooled *peer.Peer) {
			t.Helper()
			assert.GreaterOrEqual(t, timed(t, pooled), long)
			assert.GreaterOrEqual(t, timed(t, w.dial(t, replica(1))), long)
		},
	},
	"LinkBandwidth": {
		fault: LinkBandwidth{KBps: 1}, proof: `^an answer of 1\d\d bytes took \d\S+s$`,
		bites: func(t *testing.T, w *world, pooled *peer.Peer) {
			t.Helper()
			for _, p := range []*peer.Peer{pooled, w.dial(t, replica(1))} {
				bytes, _, took := answer(t, p)
				assert.GreaterOrEqual(t, took, time.Duration(bytes)*time.Millisecond, "a thousand bytes a second")
			}
		},
	},
	"LinkSlicer": {
		fault: LinkSlicer{Size: 16, Delay: 10 * time.Millisecond}, proof: `^an answer of \d+ bytes took \d\S+s, in \d+ pieces$`,
		bites: func(t *testing.T, w *world, pooled *peer.Peer) {
			t.Helper()
			for _, p := range []*peer.Peer{pooled, w.dial(t, replica(1))} {
				bytes, pieces, took := answer(t, p)
				assert.GreaterOrEqual(t, took, time.Duration(bytes/16-1)*10*time.Millisecond)
				assert.Greater(t, pieces, 1)
			}
		},
	},
	"LinkCut": {
		fault: LinkCut{After: 100}, proof: "^an answer ended after 100 bytes$", ended: true,
		bites: func(t *testing.T, w *world, pooled *peer.Peer) {
			t.Helper()
			for _, p := range []*peer.Peer{pooled, w.dial(t, replica(1))} {
				p.Send(t, get)
				text, err := io.ReadAll(p.In)
				require.NoError(t, err, "a FIN")
				assert.Len(t, text, 100)
			}
		},
	},
	"LinkBlackHole": {
		fault: LinkBlackHole{}, proof: "^a request was not answered for [0-9.]+m?s$", ended: true,
		bites: func(t *testing.T, w *world, pooled *peer.Peer) {
			t.Helper()
			fresh := w.dial(t, replica(1))
			for _, p := range []*peer.Peer{pooled, fresh} {
				p.Send(t, get)
			}
			pooled.RequireQuiet(t, long)
			fresh.RequireQuiet(t, time.Millisecond)
		},
	},
	"LinkDown": {
		fault: LinkDown{}, proof: "^a connection was refused$", ended: true,
		bites: func(t *testing.T, w *world, pooled *peer.Peer) {
			t.Helper()
			peer.RequireEnd(t, FIN, pooled.End())
			_, err := net.Dial("tcp", w.way[replica(1)])
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
		},
	},
}

// timed asks and returns how long the answer took.
func timed(t *testing.T, p *peer.Peer) time.Duration {
	t.Helper()
	began := time.Now()
	require.NoError(t, p.Ask("r", answer64))
	return time.Since(began)
}

// answer asks for an answer, reads as many bytes as it has, and returns in how many reads they came and how long that took. A
// read that comes late finds more than one piece.
func answer(t *testing.T, p *peer.Peer) (bytes, pieces int, took time.Duration) {
	t.Helper()
	size := answerSize(t)
	buffer := make([]byte, 64<<10)
	began := time.Now()
	p.Send(t, get)
	for bytes < size {
		n, err := p.TCP.Read(buffer)
		require.NoError(t, err)
		bytes, pieces = bytes+n, pieces+1
	}
	return bytes, pieces, time.Since(began)
}

// answerSize is how many bytes the answer to get has, on a connection that stays open.
func answerSize(t *testing.T) int {
	t.Helper()
	p := startBackends(t).dial(t, replica(1))
	p.Send(t, get)
	require.NoError(t, p.TCP.CloseWrite())
	text, err := io.ReadAll(p.In)
	require.NoError(t, err)
	return len(text)
}

// quick requires answers to come as if there were no fault, on one connection.
func quick(t *testing.T, w *world, r topology.Replica) {
	t.Helper()
	p := w.dial(t, r)
	for range 3 {
		assert.Less(t, timed(t, p), long)
	}
}

// A fault of a link bites open connections and new ones, misses the link of another replica, and is gone when it is lifted.
func TestLinkFaults(t *testing.T) {
	for name, test := range linkFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startLinked(t)
			pooled, spared := w.dial(t, replica(1)), w.dial(t, replica(2))
			require.NoError(t, pooled.Ask("r", answer64))
			require.NoError(t, spared.Ask("r", answer64))
			require.NoError(t, test.fault.Validate())

			active, err := test.fault.Inject(t.Context(), w.site(replica(1)), theOrder)
			require.NoError(t, err)
			test.bites(t, w, pooled)
			assert.Less(t, timed(t, spared), long)
			quick(t, w, replica(2))

			require.NoError(t, active.Lift(t.Context()))
			require.NoError(t, active.Lift(t.Context()), "a second time")
			requireAsBefore(t, w, replica(1))
			if test.ended {
				peer.RequireEnd(t, FIN, pooled.End())
			} else {
				require.NoError(t, pooled.Ask("r", answer64))
			}

			got, err := active.Receipt(t.Context())
			require.NoError(t, err)
			t.Log(got.Probe)
			assert.Regexp(t, test.proof, got.Probe)
			assert.Equal(t, record.Receipt{Replica: "orders-1", Probe: got.Probe, Uncounted: true}, got)
			assert.True(t, record.Injection{Receipts: []record.Receipt{got}}.Bit())
		})
	}
}

// requireAsBefore requires a link to have no toxics, to be open and to be quick.
func requireAsBefore(t *testing.T, w *world, r topology.Replica) {
	t.Helper()
	link := shown(t, w.sites[r].Link)
	assert.Empty(t, link.Toxics)
	assert.True(t, link.Enabled)
	quick(t, w, r)
}

// shownLink is a link as Toxiproxy itself shows it.
type shownLink struct {
	Enabled bool
	Toxics  []toxiproxy.Toxic
}

func shown(t *testing.T, link Toxics) shownLink {
	t.Helper()
	at := link.(toxiproxy.Link)
	response, err := http.Get("http://" + at.Address + "/proxies/" + at.Name)
	require.NoError(t, err)
	defer response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	var is struct {
		shownLink
		Toxics []struct {
			Name, Type, Stream string
			Toxicity           float64
		}
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&is))
	for _, of := range is.Toxics {
		is.shownLink.Toxics = append(is.shownLink.Toxics, toxiproxy.Toxic{
			Name: of.Name, Type: of.Type, Stream: of.Stream, Toxicity: of.Toxicity,
		})
	}
	return is.shownLink
}

// Every proof can fail: when the probe goes past the link, when the link looks like that without the fault, and when nobody
// answers at all. Nothing is left on the link then.
func TestLinkFaultsThatCannotBeProved(t *testing.T) {
	for name, test := range linkFaults {
		for how, spoilt := range map[string]struct {
			spoil func(t *testing.T, w *world, at *Site)
			want  string // a regular expression
		}{
			"past the link": {
				func(_ *testing.T, w *world, at *Site) { at.Dial = w.direct[replica(1)] },
				`: probe of the link to orders-1: an? (answer|connection)`,
			},
			"already": {
				func(t *testing.T, _ *world, at *Site) {
					t.Helper()
					_, err := test.fault.Inject(t.Context(), *at, Order{ID: "another"})
					require.NoError(t, err)
				},
				`: probe of the link to orders-1, before the fault: an? .* already$`,
			},
			"nobody there": {
				func(t *testing.T, w *world, at *Site) { t.Helper(); at.Dial = closedPort(t) },
				`: probe of the link to orders-1, before the fault: `,
			},
			"no link": {
				func(_ *testing.T, _ *world, at *Site) { at.Link = nil },
				`: the link to orders-1 does not lead through Toxiproxy$`,
			},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				w := startLinked(t)
				at := w.site(replica(1))
				spoilt.spoil(t, w, &at)
				_, err := test.fault.Inject(t.Context(), at, theOrder)
				require.Error(t, err)
				t.Log(err)
				assert.Regexp(t, "^"+test.fault.String()+spoilt.want, err.Error())
				if how != "already" {
					requireAsBefore(t, w, replica(1))
				}
			})
		}
	}
}

// spoiltLink is a link on which something happens after each change.
type spoiltLink struct {
	Toxics
	changed func() error
}

func (l spoiltLink) Add(ctx context.Context, toxic toxiproxy.Toxic) error {
	return errors.Join(l.Toxics.Add(ctx, toxic), l.changed())
}

func (l spoiltLink) Disable(ctx context.Context) error {
	return errors.Join(l.Toxics.Disable(ctx), l.changed())
}

// A run that is interrupted while a fault is applied leaves nothing behind, and neither does an answer of Toxiproxy that got
// lost.
func TestLinkFaultsThatAreBrokenOff(t *testing.T) {
	for name, test := range linkFaults {
		t.Run(name+", interrupted", func(t *testing.T) {
			t.Parallel()
			w := startLinked(t)
			ctx, cancel := context.WithCancel(t.Context())
			at := w.site(replica(1))
			at.Link = spoiltLink{at.Link, func() error { cancel(); return nil }}
			_, err := test.fault.Inject(ctx, at, theOrder)
			require.ErrorIs(t, err, context.Canceled)
			requireAsBefore(t, w, replica(1))
		})
		t.Run(name+", answer lost", func(t *testing.T) {
			t.Parallel()
			w := startLinked(t)
			at := w.site(replica(1))
			at.Link = spoiltLink{at.Link, func() error { return assert.AnError }}
			_, err := test.fault.Inject(t.Context(), at, theOrder)
			require.ErrorIs(t, err, assert.AnError)
			requireAsBefore(t, w, replica(1))
		})
	}
}

// An interrupted run does not wait for the proof.
func TestInterruptedLinkLatencyDoesNotWait(t *testing.T) {
	t.Parallel()
	w := startLinked(t)
	ctx, cancel := context.WithCancel(t.Context())
	at := w.site(replica(1))
	at.Link = spoiltLink{at.Link, func() error { time.AfterFunc(10*time.Millisecond, cancel); return nil }}
	began := time.Now()
	_, err := LinkLatency{Latency: time.Hour}.Inject(ctx, at, theOrder)
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(began), patience)
	requireAsBefore(t, w, replica(1))
}

// What is wrong with a fault is said before anything starts.
func TestLinkFaultsValidate(t *testing.T) {
	for _, test := range []struct {
		fault Fault
		want  string
	}{
		{LinkLatency{Latency: time.Millisecond}, ""},
		{LinkLatency{Latency: time.Second, Jitter: 999 * time.Millisecond}, ""},
		{LinkLatency{}, "link latency of 0s: want whole milliseconds"},
		{LinkLatency{Latency: 1500 * time.Microsecond}, "link latency of 1.5ms: want whole milliseconds"},
		{
			LinkLatency{Latency: time.Second, Jitter: time.Second},
			"link latency of 1s, jitter 1s: want a jitter of whole milliseconds, less than the latency",
		},
		{
			LinkLatency{Latency: time.Second, Jitter: 1},
			"link latency of 1s, jitter 1ns: want a jitter of whole milliseconds, less than the latency",
		},
		{LinkBandwidth{KBps: 10_000}, ""},
		{LinkBandwidth{}, "link bandwidth of 0 KB/s: want 1 to 10000 KB/s"},
		{LinkBandwidth{KBps: 10_001}, "link bandwidth of 10001 KB/s: want 1 to 10000 KB/s"},
		{LinkSlicer{Size: 4 << 10, Delay: 20 * time.Millisecond}, ""},
		{LinkSlicer{Delay: time.Millisecond}, "link slicer of 0 bytes every 1ms: want pieces of 1 to 4096 bytes"},
		{LinkSlicer{Size: 1}, "link slicer of 1 bytes every 0s: want a pause of whole milliseconds, up to 20ms"},
		{LinkSlicer{Size: 1, Delay: time.Second}, "link slicer of 1 bytes every 1s: want a pause of whole milliseconds, up to 20ms"},
		{LinkCut{After: 1}, ""},
		{LinkCut{}, "link cut after 0 bytes: want 1 to 16777216"},
		{LinkCut{After: 16<<20 + 1}, "link cut after 16777217 bytes: want 1 to 16777216"},
		{LinkBlackHole{}, ""},
		{LinkDown{}, ""},
	} {
		err := test.fault.Validate()
		if test.want == "" {
			assert.NoError(t, err, test.fault)
			continue
		}
		assert.EqualError(t, err, test.want)
	}
}

// At the ends of what they can be asked for faults can be proved too.
func TestLinkFaultsAtTheirLimits(t *testing.T) {
	for _, f := range []Fault{
		LinkLatency{Latency: 20 * time.Millisecond},
		LinkLatency{Latency: long, Jitter: long - 20*time.Millisecond},
		LinkBandwidth{KBps: 1},
		LinkBandwidth{KBps: 50},
		LinkBandwidth{KBps: maxKBps},
		LinkSlicer{Size: 1, Delay: time.Millisecond},
		LinkSlicer{Size: 1, Delay: maxPause},
		LinkSlicer{Size: maxSlice, Delay: time.Millisecond},
		LinkSlicer{Size: maxSlice, Delay: maxPause},
		LinkCut{After: 1},
		LinkCut{After: 5},
		LinkCut{After: 1 << 20},
	} {
		t.Run(f.String(), func(t *testing.T) {
			w := startLinked(t)
			began := time.Now()
			active, err := f.Inject(t.Context(), w.site(replica(1)), theOrder)
			require.NoError(t, err)
			receipt, err := active.Receipt(t.Context())
			require.NoError(t, err)
			t.Logf("%s (applied in %d ms)", receipt.Probe, time.Since(began).Milliseconds())
			require.NoError(t, active.Lift(t.Context()))
			requireAsBefore(t, w, replica(1))
		})
	}
}

// What delays and what limits a link can be combined, and lifted in any order; one window may follow another at once.
func TestLinkFaultsCombined(t *testing.T) {
	t.Parallel()
	w := startLinked(t)
	var all []Active
	for i, f := range []Fault{
		LinkBandwidth{KBps: 50},
		LinkSlicer{Size: 20, Delay: 10 * time.Millisecond},
		LinkLatency{Latency: long},
		LinkLatency{Latency: 2 * long},
	} {
		active, err := f.Inject(t.Context(), w.site(replica(1)), Order{ID: fmt.Sprintf("%s on orders-1 from %d.5s", f, i)})
		require.NoError(t, err)
		all = append(all, active)
	}
	assert.GreaterOrEqual(t, timed(t, w.dial(t, replica(1))), 2*long)
	for _, i := range []int{2, 0, 3, 1} {
		require.NoError(t, all[i].Lift(t.Context()))
	}
	requireAsBefore(t, w, replica(1))
}

// LinkCut counts all answers of a connection together.
func TestLinkCutCountsAllAnswers(t *testing.T) {
	t.Parallel()
	w := startLinked(t)
	size := answerSize(t)
	p := w.dial(t, replica(1))
	require.NoError(t, p.Ask("r", answer64))
	_, err := LinkCut{After: 2*size + 10}.Inject(t.Context(), w.site(replica(1)), theOrder)
	require.NoError(t, err)
	require.NoError(t, p.Ask("r", answer64))
	require.NoError(t, p.Ask("r", answer64))
	p.Send(t, get)
	text, err := io.ReadAll(p.In)
	require.NoError(t, err)
	assert.Len(t, text, 10, "the answer before the fault does not count")
}

// No request gets through a black hole, not even one whose answer would be swallowed.
func TestLinkBlackHoleExecutesNothing(t *testing.T) {
	t.Parallel()
	w := startLinked(t)
	active, err := LinkBlackHole{}.Inject(t.Context(), w.site(replica(1)), theOrder)
	require.NoError(t, err)
	p := w.dial(t, replica(1))
	p.Send(t, get)
	p.RequireQuiet(t, 100*time.Millisecond)
	require.NoError(t, active.Lift(t.Context()))
	peer.RequireEnd(t, FIN, p.End())
	require.NoError(t, w.dial(t, replica(1)).Ask("r", answer64))
	// The one request that has arrived is the one after the fault.
	at := w.site(replica(1))
	require.NoError(t, at.Backend.Await(t.Context(), 1))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	assert.Error(t, at.Backend.Await(ctx, 2), "nobody else has arrived")
}

// What lets nothing through leaves nothing to another of its kind, but a slow link may go down and come back slow.
func TestLinkFaultsInASchedule(t *testing.T) {
	const load = 4 * time.Second
	slow := Window{On: orders.Each(), Inject: LinkLatency{Latency: long}}
	down := Window{From: time.Second, For: time.Second, On: orders.Replica(1), Inject: LinkDown{}}
	hole := Window{From: time.Second, For: 2 * time.Second, On: orders.Replica(1), Inject: LinkBlackHole{}}
	thin := Window{On: orders.Replica(1), Inject: LinkBandwidth{KBps: 10}}
	require.NoError(t, Schedule{slow, thin, down}.Validate(orders, load, 10))
	require.NoError(t, Schedule{slow, thin, hole}.Validate(orders, load, 10))
	require.EqualError(t, Schedule{down, hole}.Validate(orders, load, 10), "faults: link black hole on orders-1 from 1s "+
		"contradicts link down on orders-1 from 1s: both take hold of the link at the same time")
	slower := Window{On: orders.Replica(2), Inject: LinkLatency{Latency: 2 * long}}
	require.ErrorContains(t, Schedule{slow, slower}.Validate(orders, load, 10), "both take hold of the link latency")
	some := down
	some.Of = EveryConnection(2)
	require.ErrorContains(t, Schedule{some}.Validate(orders, load, 10), "it touches whatever is there")
	assert.Equal(t, []Need{Link}, Schedule{slow, thin, down, hole}.Needs())

	t.Parallel()
	w := startLinked(t)
	clock := record.StartClock()
	down.From, down.For = 100*time.Millisecond, time.Second // of which the first look takes as long as an answer
	hole.From, hole.For = 2*time.Second, 100*time.Millisecond
	run, err := Schedule{slow, down, hole}.Apply(t.Context(), clock, w.field(), 1)
	require.NoError(t, err)
	run.Begin(t.Context(), clock.Now())
	require.Eventually(t, func() bool { // it goes down
		_, err := net.Dial("tcp", w.way[replica(1)])
		return errors.Is(err, syscall.ECONNREFUSED)
	}, patience, time.Millisecond)
	require.Eventually(t, func() bool { // and comes back
		tcp, err := net.Dial("tcp", w.way[replica(1)])
		return err == nil && tcp.Close() == nil
	}, patience, time.Millisecond)
	p := w.dial(t, replica(1))
	assert.GreaterOrEqual(t, timed(t, p), long, "as slow as before")
	peer.RequireEnd(t, FIN, p.End()) // when the black hole is over
	injections, err := run.End(t.Context())
	require.NoError(t, err)
	for _, i := range injections {
		assert.True(t, i.Bit(), i.ID)
		assert.Empty(t, i.Error)
	}
	requireAsBefore(t, w, replica(1))
}
