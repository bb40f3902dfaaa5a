package fault

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/badgateway/badgateway/fixtures/toxiproxy"
)

// What fixtures/toxiproxy promises to the faults that use it.

func startToxiproxy(t *testing.T) toxiproxy.Remote {
	t.Helper()
	server, err := toxiproxy.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Stop()) })
	return toxiproxy.Remote{Address: server.Address()}
}

// A Toxiproxy that is stopped takes its proxies, its connections and what it holds back with it.
//
// Toxiproxy 2.12 itself leaks two goroutines for each connection that is reset while more than 64 KiB are on their way to
// the side that reset it: ToxicLink.write (link.go) gives up at its first error, and nobody then takes what the toxic
// before it and ToxicLink.read have in hand. Closing the connection does not free them, nor does Stop. No test here sends
// that much, so nothing is ignored; one that does needs, and may use, no more than
//
//	goleak.IgnoreTopFunction("github.com/Shopify/toxiproxy/v2/toxics.(*NoopToxic).Pipe")
//	goleak.IgnoreTopFunction("github.com/Shopify/toxiproxy/v2/stream.(*ChanWriter).Write")
func TestStoppedToxiproxyLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	for name, use := range map[string]func(t *testing.T, w *world){
		"unused": func(*testing.T, *world) {},
		"open connections": func(t *testing.T, w *world) {
			t.Helper()
			for range 5 {
				require.NoError(t, w.dial(t, replica(1)).Ask("r"))
				w.dial(t, replica(2))
			}
		},
		"a client that has gone": func(t *testing.T, w *world) {
			t.Helper()
			p := w.dial(t, replica(1))
			require.NoError(t, p.Ask("r"))
			require.NoError(t, p.TCP.Close())
		},
		"a FIN that is held back": func(t *testing.T, w *world) {
			t.Helper()
			_, err := StaleWindow{After: idle, Held: 200 * time.Millisecond}.probeless(t, w)
			require.NoError(t, err)
			p := w.dial(t, replica(1))
			require.NoError(t, p.Ask("r"))
			p.RequireQuiet(t, 3*idle)
		},
		"a toxic added and removed on open connections": func(t *testing.T, w *world) {
			t.Helper()
			p := w.dial(t, replica(1))
			require.NoError(t, p.Ask("r"))
			for range 3 {
				requireNoToxic(t, w.site(replica(1)))
				require.NoError(t, p.Ask("r"))
			}
		},
	} {
		t.Run(name, func(t *testing.T) { use(t, startLinked(t)) })
		goleak.VerifyNone(t, before)
	}
}

func TestToxiproxyErrors(t *testing.T) {
	t.Parallel()
	remote := startToxiproxy(t)
	ctx := t.Context()
	link, err := remote.Connect(ctx, "orders-1", "127.0.0.1:0", "127.0.0.1:1")
	require.NoError(t, err)
	assert.NotEqual(t, "127.0.0.1:0", link.Listen, "the port that was taken")
	version, err := remote.Version(ctx)
	require.NoError(t, err)
	assert.NotEmpty(t, version)

	_, err = remote.Connect(ctx, "orders-1", "127.0.0.1:0", "127.0.0.1:1")
	require.ErrorContains(t, err, "proxy already exists")
	_, err = remote.Connect(ctx, "orders-2", link.Listen, "127.0.0.1:1")
	require.ErrorContains(t, err, "address already in use")
	err = link.Add(ctx, toxiproxy.Toxic{Name: "x", Type: "no_such", Stream: "downstream"})
	require.ErrorContains(t, err, "invalid toxic type")
	require.NoError(t, link.Remove(ctx, "x"), "what is not there is off")

	_, err = toxiproxy.Remote{Address: closedPort(t)}.Version(ctx)
	require.ErrorContains(t, err, "connection refused")
}

// Toxiproxy accepts before it connects: a dead backend looks like a connection that is accepted and closed. A real
// refusal must therefore come from a closed listener.
func TestDeadBackendBehindALinkIsNoRefusal(t *testing.T) {
	t.Parallel()
	link, err := startToxiproxy(t).Connect(t.Context(), "orders-1", "127.0.0.1:0", closedPort(t))
	require.NoError(t, err)
	conn, err := net.Dial("tcp", link.Listen)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = conn.Read(make([]byte, 1))
	assert.Equal(t, io.EOF, err)
}
