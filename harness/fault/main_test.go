package fault

import (
	"io"
	"net"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/peer"
	"github.com/badgateway/badgateway/fixtures/toxiproxy"
	"github.com/badgateway/badgateway/harness/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = peer.Patience

// orders are the backends of these tests; the second one is there to be spared.
var orders = topology.Replicas("orders", 2)

// theOrder is what most faults here are injected as.
var theOrder = Order{ID: "the id"}

const (
	idle = 30 * time.Millisecond
	held = time.Second
)

func replica(i int) topology.Replica { return topology.Replica{Group: "orders", Index: i} }

// world is real backends in this process, each with its control port, and the way to each, which leads through
// Toxiproxy if asked for.
type world struct {
	sites  map[topology.Replica]Site
	way    map[topology.Replica]string // where a gateway would connect
	direct map[topology.Replica]string
}

func (w *world) site(r topology.Replica) Site { return w.sites[r] }

func (w *world) field() Field { return Field{Site: w.site} }

func startBackends(t *testing.T) *world {
	t.Helper()
	w := &world{
		sites: map[topology.Replica]Site{}, way: map[topology.Replica]string{}, direct: map[topology.Replica]string{},
	}
	for _, r := range orders.Members() {
		data, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		server, err := backend.Start(r.String(), data, filepath.Join(t.TempDir(), "journal.jsonl"))
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, server.Stop()) })
		control := httptest.NewServer(server.Control())
		t.Cleanup(control.Close)
		w.sites[r] = Site{
			Name: r.String(), Replica: r, Dial: data.Addr().String(),
			Backend: backend.Remote{Name: r.String(), Address: control.Listener.Addr().String()},
		}
		w.way[r], w.direct[r] = data.Addr().String(), data.Addr().String()
	}
	return w
}

// startLinked is startBackends behind a Toxiproxy.
func startLinked(t *testing.T) *world {
	t.Helper()
	w := startBackends(t)
	server, err := toxiproxy.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Stop()) })
	for r, site := range w.sites {
		link, err := toxiproxy.Remote{Address: server.Address()}.Connect(t.Context(), r.String(), "127.0.0.1:0", w.direct[r])
		require.NoError(t, err)
		site.Link, site.Dial = link, link.Listen
		w.sites[r], w.way[r] = site, link.Listen
	}
	return w
}

func (w *world) dial(t *testing.T, r topology.Replica) *peer.Peer {
	t.Helper()
	return peer.Dial(t, w.way[r])
}

// reused requires a connection to carry several requests.
func reused(t *testing.T, w *world, r topology.Replica) {
	t.Helper()
	p := w.dial(t, r)
	for range 3 {
		require.NoError(t, p.Ask("r"))
	}
}

// requireCut requires the second request on a connection to end it.
func (w *world) requireCut(t *testing.T, r topology.Replica, by End) {
	t.Helper()
	p := w.dial(t, r)
	require.NoError(t, p.Ask("r"))
	peer.RequireEnd(t, by, p.Ask("r"))
}

// kept requires an unused connection to stay open for long enough to be reused after the idle time.
func kept(t *testing.T, w *world, r topology.Replica) {
	t.Helper()
	p := w.dial(t, r)
	require.NoError(t, p.Ask("r"))
	p.RequireQuiet(t, 3*idle)
	require.NoError(t, p.Ask("r"))
}

// requireQuickFIN requires a FIN of the backend to come through at once.
func requireQuickFIN(t *testing.T, w *world, r topology.Replica) {
	t.Helper()
	p := w.dial(t, r)
	began := time.Now()
	_, err := io.WriteString(p.TCP, "GET /__ready HTTP/1.1\r\n\r\n")
	require.NoError(t, err)
	_, err = io.ReadAll(p.In)
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
