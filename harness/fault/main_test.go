package fault

import (
	"bufio"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/toxiproxy"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/harness/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for an event. It is never waited out unless the event does not come.
const patience = 20 * time.Second

// orders are the backends of these tests; the second one is there to be spared.
var orders = topology.Replicas("orders", 2)

func replica(i int) topology.Replica { return topology.Replica{Group: "orders", Index: i} }

// world is real backends in this process, each with its control port, and the way to each, which leads through
// Toxiproxy if asked for.
type world struct {
	sites  map[topology.Replica]Site
	way    map[topology.Replica]string // where a gateway would connect
	direct map[topology.Replica]string
}

func (w *world) site(r topology.Replica) Site { return w.sites[r] }

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
			Replica: r, Backend: backend.Remote{Name: r.String(), Address: control.Listener.Addr().String()},
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
		site.Link, site.Dial = &link, link.Listen
		w.sites[r], w.way[r] = site, link.Listen
	}
	return w
}

// peer is the gateway's end of a connection to a backend: it writes what it is told and repairs nothing.
type peer struct {
	tcp *net.TCPConn
	in  *bufio.Reader
}

func (w *world) dial(t *testing.T, r topology.Replica) *peer {
	t.Helper()
	tcp, err := net.Dial("tcp", w.way[r])
	require.NoError(t, err)
	require.NoError(t, tcp.SetDeadline(time.Now().Add(patience)))
	t.Cleanup(func() { _ = tcp.Close() })
	return &peer{tcp: tcp.(*net.TCPConn), in: bufio.NewReader(tcp)}
}

const get = "GET /orders HTTP/1.1\r\nHost: orders\r\n" + wire.ID + ": r\r\n" + wire.Answer + ": 64\r\n\r\n"

// status sends a GET and returns the status of its answer.
func (p *peer) status(t *testing.T) int {
	t.Helper()
	_, err := io.WriteString(p.tcp, get)
	require.NoError(t, err)
	head, err := wire.ReadResponseHead(p.in)
	require.NoError(t, err)
	return head.Status()
}

// ask sends a GET and reads its whole answer; the error is how the connection ended instead.
func (p *peer) ask() error {
	if _, err := io.WriteString(p.tcp, get); err != nil {
		return err
	}
	head, err := wire.ReadResponseHead(p.in)
	if err != nil {
		return err
	}
	_, err = wire.ReadResponseBody(p.in, head, "GET")
	return err
}

// end waits for the end of the connection: io.EOF for a FIN, ECONNRESET for a reset.
func (p *peer) end() error {
	_, err := p.in.ReadByte()
	return err
}

// requireEnd requires the connection to have ended in that way and without another byte.
func requireEnd(t *testing.T, by End, err error) {
	t.Helper()
	switch by {
	case FIN:
		require.Equal(t, io.EOF, err)
	case RST:
		require.ErrorIs(t, err, syscall.ECONNRESET)
	}
}

// requireOpen requires nothing to happen to an unused connection for so long.
func (p *peer) requireOpen(t *testing.T, lasts time.Duration) {
	t.Helper()
	require.NoError(t, p.tcp.SetReadDeadline(time.Now().Add(lasts)))
	require.ErrorIs(t, p.end(), os.ErrDeadlineExceeded)
	require.NoError(t, p.tcp.SetReadDeadline(time.Now().Add(patience)))
}

// reused requires a connection to carry several requests.
func reused(t *testing.T, w *world, r topology.Replica) {
	t.Helper()
	p := w.dial(t, r)
	for range 3 {
		require.NoError(t, p.ask())
	}
}

// requireCut requires the second request on a connection to end it.
func (w *world) requireCut(t *testing.T, r topology.Replica, by End) {
	t.Helper()
	p := w.dial(t, r)
	require.NoError(t, p.ask())
	requireEnd(t, by, p.ask())
}

// receipt asks for a receipt until it is as wanted: the peer knows of an end before the backend has counted it.
func receipt(t *testing.T, of Active, wanted func(record.Receipt) bool) record.Receipt {
	t.Helper()
	var got record.Receipt
	require.Eventually(t, func() bool {
		var err error
		got, err = of.Receipt(t.Context())
		return err == nil && wanted(got)
	}, patience, time.Millisecond, "receipt")
	return got
}
