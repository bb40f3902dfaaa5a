package fault

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/peer"
	"github.com/badgateway/badgateway/fixtures/toxiproxy"
)

// The proof that the link holds a FIN back must be able to fail, and a fault that could not be put in force must leave
// neither its toxic nor its rule behind.
func TestStaleWindowThatCannotBeProved(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(t *testing.T, w *world, at *Site)
		want  string // a regular expression for the whole message
	}{
		"the probe goes past the link": {
			func(_ *testing.T, w *world, at *Site) { at.Dial = w.direct[replica(1)] },
			`^stale window of 1s after 30ms idle: probe of the link to orders-1: the FIN came after \S+, want 1s$`,
		},
		"the link answers nobody": {
			func(t *testing.T, _ *world, at *Site) { at.Dial = closedPort(t) },
			`^stale window of 1s after 30ms idle: probe of the link to orders-1: dial tcp \S+: connect: connection refused$`,
		},
		"the backend cannot be told": {
			func(t *testing.T, _ *world, at *Site) {
				at.Backend = backend.Remote{Name: "orders-1", Address: closedPort(t)}
			},
			`^backend orders-1: .*connection refused\n(it may still be in force: .*connection refused\n?)+$`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startLinked(t)
			at := w.site(replica(1))
			test.spoil(t, w, &at)
			_, err := StaleWindow{After: idle, Held: held}.Inject(t.Context(), at, theOrder)
			require.Error(t, err)
			assert.Regexp(t, test.want, err.Error())
			requireNoToxic(t, w.site(replica(1)))
			kept(t, w, replica(1))
		})
	}
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

// requireNoToxic puts the toxic on the link, which Toxiproxy refuses if it is still there.
func requireNoToxic(t *testing.T, at Site) {
	t.Helper()
	toxic := toxiproxy.Toxic{Name: slowClose, Type: "slow_close", Stream: "downstream", Attributes: map[string]int{"delay": 1}}
	require.NoError(t, at.Link.Add(t.Context(), toxic))
	require.NoError(t, at.Link.Remove(t.Context(), slowClose))
}

func TestStaleWindowNeedsALink(t *testing.T) {
	w := startBackends(t)
	_, err := StaleWindow{After: idle, Held: held}.Inject(t.Context(), w.site(replica(1)), theOrder)
	require.EqualError(t, err, "stale window of 1s after 30ms idle: the link to orders-1 does not lead through Toxiproxy")
	kept(t, w, replica(1))
}

// A run that is interrupted while the link is being probed does not wait for the FIN, and takes the toxic off all the same.
func TestInterruptedStaleWindowIsUndone(t *testing.T) {
	t.Parallel()
	w := startLinked(t)
	ctx, cancel := context.WithCancel(t.Context())
	at := w.site(replica(1))
	at.Dial = listenOnce(t, cancel)
	_, err := StaleWindow{After: idle, Held: time.Hour}.Inject(ctx, at, theOrder)
	require.Error(t, err)
	requireNoToxic(t, at)
}

// listenOnce accepts a connection, reports it, and holds it until the test ends.
func listenOnce(t *testing.T, accepted func()) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		accepted()
		<-t.Context().Done() // cancelled just before the clean-up
		_ = conn.Close()
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}

// Lifting lets go of what the link holds back: a stale connection ends soon, not at the end of its time.
func TestLiftLetsGo(t *testing.T) {
	t.Parallel()
	w := startLinked(t)
	active, err := StaleWindow{After: idle, Held: time.Hour / 2}.probeless(t, w)
	require.NoError(t, err)
	p := w.dial(t, replica(1))
	require.NoError(t, p.Ask("r"))
	p.RequireQuiet(t, 3*idle) // the FIN is on its way and does not come
	require.NoError(t, active.Lift(t.Context()))
	peer.RequireEnd(t, FIN, p.End())
}

// probeless injects without the proof, which would take as long as the FIN is held back.
func (f StaleWindow) probeless(t *testing.T, w *world) (Active, error) {
	t.Helper()
	at := w.site(replica(1))
	err := at.Link.Add(t.Context(), toxiproxy.Toxic{
		Name: slowClose, Type: "slow_close", Stream: "downstream", Attributes: map[string]int{"delay": int(f.Held.Milliseconds())},
	})
	require.NoError(t, err)
	_, err = f.idle().Inject(t.Context(), at, theOrder)
	return staleWindow{idle: scripted{at.Backend, theOrder.ID}, link: at.Link}, err
}
