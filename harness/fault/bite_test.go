package fault

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

const (
	idle = 30 * time.Millisecond
	held = time.Second
)

// Every fault has its row here: what the gateway sees when it bites, and how the same connection goes on where it does
// not. The proof is the peer's; the receipt must agree with it.
var faults = map[string]struct {
	fault   Fault
	linked  bool
	bites   func(t *testing.T, w *world, r topology.Replica, of Active)
	spares  func(t *testing.T, w *world, r topology.Replica)
	receipt record.Receipt // but for its probe
}{
	"CloseOnReuse by FIN": {
		fault: CloseOnReuse{By: FIN}, bites: cutBy(FIN), spares: reused,
		receipt: record.Receipt{Connections: 1, Requests: 1},
	},
	"CloseOnReuse by RST": {
		fault: CloseOnReuse{By: RST, Executed: true}, bites: cutBy(RST), spares: reused,
		receipt: record.Receipt{Connections: 1, Requests: 1},
	},
	"CloseOnReuse after idling": {
		fault: CloseOnReuse{By: FIN, Idle: idle},
		bites: func(t *testing.T, w *world, r topology.Replica, _ Active) {
			t.Helper()
			p := w.dial(t, r)
			require.NoError(t, p.ask())
			p.requireOpen(t, 2*idle)
			requireEnd(t, FIN, p.ask())
		},
		spares: kept, receipt: record.Receipt{Connections: 1, Requests: 1},
	},
	"IdleTimeout by FIN": {
		fault: IdleTimeout{After: idle, By: FIN}, bites: closedBy(FIN), spares: kept,
		receipt: record.Receipt{Connections: 1},
	},
	"IdleTimeout by RST": {
		fault: IdleTimeout{After: idle, By: RST}, bites: closedBy(RST), spares: kept,
		receipt: record.Receipt{Connections: 1},
	},
	"CloseBeforeResponse by FIN": {
		fault: CloseBeforeResponse{By: FIN}, bites: endedBy(FIN), spares: reused,
		receipt: record.Receipt{Connections: 1, Requests: 1},
	},
	"CloseBeforeResponse by RST": {
		fault: CloseBeforeResponse{By: RST, Executed: true}, bites: endedBy(RST), spares: reused,
		receipt: record.Receipt{Connections: 1, Requests: 1},
	},
	"CloseInBody by FIN": {
		fault: CloseInBody{By: FIN}, bites: truncatedBy(FIN), spares: reused,
		receipt: record.Receipt{Connections: 1, Requests: 1},
	},
	"CloseInBody by RST": {
		fault: CloseInBody{By: RST}, bites: truncatedBy(RST), spares: reused,
		receipt: record.Receipt{Connections: 1, Requests: 1},
	},
	"DelayResponse": {
		fault: DelayResponse{For: idle}, bites: slow, spares: reused, receipt: record.Receipt{Requests: 1},
	},
	"DelayResponse in the body": {
		fault: DelayResponse{For: idle, InBody: true}, bites: slow, spares: reused, receipt: record.Receipt{Requests: 1},
	},
	"ErrorStatus": {
		fault: ErrorStatus{Status: 503},
		bites: func(t *testing.T, w *world, r topology.Replica, _ Active) {
			t.Helper()
			p := w.dial(t, r)
			assert.Equal(t, 503, p.status(t))
		},
		spares: func(t *testing.T, w *world, r topology.Replica) {
			t.Helper()
			p := w.dial(t, r)
			assert.Equal(t, 200, p.status(t))
		},
		receipt: record.Receipt{Requests: 1},
	},
	"StaleWindow": {
		fault: StaleWindow{After: idle, Held: held}, linked: true, bites: stale,
		spares: func(t *testing.T, w *world, r topology.Replica) {
			t.Helper()
			kept(t, w, r)
			requireQuickFIN(t, w, r)
		},
		receipt: record.Receipt{Connections: 1, Requests: 1},
	},
}

// cutBy requires the second request on a connection to end it.
func cutBy(end End) func(*testing.T, *world, topology.Replica, Active) {
	return func(t *testing.T, w *world, r topology.Replica, _ Active) {
		t.Helper()
		w.requireCut(t, r, end)
	}
}

// endedBy requires the first request on a connection to end it.
func endedBy(end End) func(*testing.T, *world, topology.Replica, Active) {
	return func(t *testing.T, w *world, r topology.Replica, _ Active) {
		t.Helper()
		requireEnd(t, end, w.dial(t, r).ask())
	}
}

// truncatedBy requires an answer to end in its body.
func truncatedBy(end End) func(*testing.T, *world, topology.Replica, Active) {
	return func(t *testing.T, w *world, r topology.Replica, _ Active) {
		t.Helper()
		p := w.dial(t, r)
		_, err := io.WriteString(p.tcp, get)
		require.NoError(t, err)
		text, err := io.ReadAll(p.in)
		if end == RST { // which may overtake what was sent before it
			requireEnd(t, RST, err)
			return
		}
		require.NoError(t, err)
		_, body, found := strings.Cut(string(text), "\r\n\r\n")
		assert.True(t, found)
		assert.Len(t, body, 32, "of 64")
	}
}

// slow requires an answer to take its time, and to be whole.
func slow(t *testing.T, w *world, r topology.Replica, _ Active) {
	t.Helper()
	began := time.Now()
	require.NoError(t, w.dial(t, r).ask())
	assert.GreaterOrEqual(t, time.Since(began), idle)
}

// closedBy requires an unused connection to end, not before its time.
func closedBy(end End) func(*testing.T, *world, topology.Replica, Active) {
	return func(t *testing.T, w *world, r topology.Replica, _ Active) {
		t.Helper()
		p := w.dial(t, r)
		began := time.Now()
		require.NoError(t, p.ask())
		requireEnd(t, end, p.end())
		assert.GreaterOrEqual(t, time.Since(began), idle)
	}
}

// stale requires a connection that its backend has closed to look alive, to take a request, and to end without an answer
// once the FIN has been held back for its time.
func stale(t *testing.T, w *world, r topology.Replica, of Active) {
	t.Helper()
	p := w.dial(t, r)
	began := time.Now()
	require.NoError(t, p.ask())
	receipt(t, of, func(r record.Receipt) bool { return r.Connections == 1 }) // the backend has closed
	p.requireOpen(t, time.Millisecond)
	_, err := io.WriteString(p.tcp, get)
	require.NoError(t, err, "the write succeeds")
	requireEnd(t, FIN, p.end())
	assert.GreaterOrEqual(t, time.Since(began), idle+held)
}

// kept requires an unused connection to stay open for long enough to be reused after the idle time.
func kept(t *testing.T, w *world, r topology.Replica) {
	t.Helper()
	p := w.dial(t, r)
	require.NoError(t, p.ask())
	p.requireOpen(t, 3*idle)
	require.NoError(t, p.ask())
}

// requireQuickFIN requires a FIN of the backend to come through at once.
func requireQuickFIN(t *testing.T, w *world, r topology.Replica) {
	t.Helper()
	p := w.dial(t, r)
	began := time.Now()
	_, err := io.WriteString(p.tcp, "GET /__ready HTTP/1.1\r\n\r\n")
	require.NoError(t, err)
	_, err = io.ReadAll(p.in)
	require.NoError(t, err)
	assert.Less(t, time.Since(began), held/2)
}

// requireHeld requires a probe of a stale window to tell that a FIN was held back for that long. It is measured from when
// the answer was read, which may be a little later than the backend closed.
func requireHeld(t *testing.T, want time.Duration, probe string) {
	t.Helper()
	text, found := strings.CutPrefix(probe, "the link held a FIN back for ")
	require.True(t, found, probe)
	measured, err := time.ParseDuration(text)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, measured, want*9/10)
}

// A fault bites where it was put, misses where it was not, and is gone when it is lifted.
func TestFaults(t *testing.T) {
	for name, test := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := startBackends
			if test.linked {
				start = startLinked
			}
			w := start(t)
			require.NoError(t, test.fault.Validate())
			active, err := test.fault.Inject(t.Context(), "the id", w.site(replica(1)))
			require.NoError(t, err)
			test.bites(t, w, replica(1), active)
			test.spares(t, w, replica(2))
			require.NoError(t, active.Lift(t.Context()))
			test.spares(t, w, replica(1))

			want := test.receipt
			want.Replica = "orders-1"
			got := receipt(t, active, func(r record.Receipt) bool { return r.Requests >= want.Requests })
			if test.linked {
				requireHeld(t, held, got.Probe)
				got.Probe = ""
			}
			assert.Equal(t, want, got)
		})
	}
}

// A connection that was pooled before the fault came is not spared.
func TestPooledConnectionsAreNotSpared(t *testing.T) {
	for name, test := range map[string]struct {
		fault Fault
		ends  func(*peer) error
	}{
		"CloseOnReuse": {CloseOnReuse{By: RST}, (*peer).ask},
		"IdleTimeout":  {IdleTimeout{After: idle, By: RST}, (*peer).end},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startBackends(t)
			p := w.dial(t, replica(1))
			require.NoError(t, p.ask())
			_, err := test.fault.Inject(t.Context(), "the id", w.site(replica(1)))
			require.NoError(t, err)
			requireEnd(t, RST, test.ends(p))
		})
	}
}

// A connection in quick use is younger than the idle time that CloseOnReuse asks for.
func TestCloseOnReuseSparesTheBusy(t *testing.T) {
	w := startBackends(t)
	active, err := CloseOnReuse{By: FIN, Idle: time.Hour}.Inject(t.Context(), "the id", w.site(replica(1)))
	require.NoError(t, err)
	reused(t, w, replica(1))
	got, err := active.Receipt(t.Context())
	require.NoError(t, err)
	assert.Zero(t, got.Connections+got.Requests)
}

// One id is one injection: its receipt must not count for two.
func TestSameIDTwice(t *testing.T) {
	w := startBackends(t)
	_, err := CloseOnReuse{By: FIN}.Inject(t.Context(), "the id", w.site(replica(1)))
	require.NoError(t, err)
	_, err = IdleTimeout{After: idle, By: FIN}.Inject(t.Context(), "the id", w.site(replica(1)))
	require.EqualError(t, err, "backend orders-1: rule the id is already known")
}
