package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/peer"
	"github.com/badgateway/badgateway/fixtures/toxiproxy"
	"github.com/badgateway/badgateway/harness/wire"
)

// The traps of Toxiproxy that must not reach a verdict, a test for each row of that table of the design: first that the trap
// is there, then that nothing here falls into it.

// Toxiproxy accepts, then dials: a dead backend looks like one that accepts and closes. Real refusals come from a closed
// listener, of the backend or of the link.
func TestTrapAcceptsThenDials(t *testing.T) {
	t.Parallel()
	w := startLinked(t)
	at := w.site(replica(1))
	refusing, err := RefuseConnections{}.Inject(t.Context(), at, theOrder)
	require.NoError(t, err)
	_, err = net.Dial("tcp", w.direct[replica(1)])
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	peer.RequireEnd(t, FIN, w.dial(t, replica(1)).End())
	require.NoError(t, refusing.Lift(t.Context()))

	for _, f := range []Fault{RefuseConnections{}, FillAcceptQueue{}, AbandonBacklog{}, CloseOnAccept{By: FIN}} {
		requireDirect(t, f)
	}
	down, err := LinkDown{}.Inject(t.Context(), at, theOrder)
	require.NoError(t, err)
	_, err = net.Dial("tcp", w.way[replica(1)])
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.NoError(t, down.Lift(t.Context()))
}

// requireDirect requires a schedule to be refused in which the fault acts on a replica behind Toxiproxy, whichever window
// comes first, and only then.
func requireDirect(t *testing.T, f Fault) {
	t.Helper()
	const load = 4 * time.Second
	window := Window{From: time.Second, For: time.Second, On: orders.Replica(1), Inject: f}
	linked := Window{From: 3 * time.Second, On: orders.Each(), Inject: LinkDown{}}
	want := "faults: " + window.ID() +
		": it is that only on a direct link, and for link down on orders from 3s the link leads through Toxiproxy"
	assert.EqualError(t, Schedule{window, linked}.Validate(orders, load, 10), want)
	assert.EqualError(t, Schedule{linked, window}.Validate(orders, load, 10), want)
	assert.NoError(t, Schedule{window}.Validate(orders, load, 10))
	linked.On = orders.Replica(2)
	assert.NoError(t, Schedule{window, linked}.Validate(orders, load, 10), "another replica")
}

// Toxiproxy turns a backend's reset into a FIN, and loses half-close. Resets come from a directly attached backend.
func TestTrapResetBecomesFIN(t *testing.T) {
	t.Parallel()
	w := startLinked(t)
	_, err := CloseBeforeResponse{By: RST}.Inject(t.Context(), w.site(replica(1)), theOrder)
	require.NoError(t, err)
	peer.RequireEnd(t, FIN, w.dial(t, replica(1)).AskOnce())
	w.way = w.direct
	peer.RequireEnd(t, RST, w.dial(t, replica(1)).AskOnce())

	for _, f := range []Fault{
		CloseOnReuse{By: RST},
		CloseBeforeResponse{By: RST},
		CloseInHead{At: InHeaders, By: RST},
		CloseInBody{By: RST},
		CloseAfterResponse{By: RST},
		IdleTimeout{After: time.Second, By: RST},
		CloseOnAccept{By: RST},
		EarlyResponse{Status: 413, By: RST},
		EarlyResponse{Status: 413, By: FIN},
		CloseBeforeResponse{By: FIN, Unread: true}, // half-close
	} {
		requireDirect(t, f)
	}
	for _, f := range []Fault{
		CloseOnReuse{By: FIN},
		CloseBeforeResponse{By: FIN},
		CloseInHead{At: InHeaders, By: FIN},
		CloseInBody{By: FIN},
		CloseAfterResponse{By: FIN},
		IdleTimeout{After: time.Second, By: FIN},
		UnsolicitedTimeout{After: time.Second},
		HangResponse{},
		DelayResponse{For: time.Second},
		ErrorStatus{Status: 503},
		FailHealthChecks{Status: 503},
	} {
		assert.False(t, f.Acts().Direct, f)
	}
}

func TestTrapHalfCloseIsLost(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan struct{})
	go func() { // answers when the client has said all it has to say
		defer close(served)
		for range 2 {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, conn)
			_, _ = io.WriteString(conn, "answer")
			_ = conn.Close()
		}
	}()
	defer func() { _ = listener.Close(); <-served }()
	link, err := startToxiproxy(t).Connect(t.Context(), "orders-1", "127.0.0.1:0", listener.Addr().String())
	require.NoError(t, err)
	for address, want := range map[string]string{listener.Addr().String(): "answer", link.Listen: ""} {
		tcp, err := net.Dial("tcp", address)
		require.NoError(t, err)
		require.NoError(t, tcp.SetDeadline(time.Now().Add(patience)))
		require.NoError(t, tcp.(*net.TCPConn).CloseWrite())
		text, err := io.ReadAll(tcp)
		require.NoError(t, err)
		assert.Equal(t, want, string(text))
		require.NoError(t, tcp.Close())
	}
}

// addRaw puts a toxic on a link as it stands, past our client.
func addRaw(t *testing.T, link Toxics, toxic toxiproxy.Toxic) {
	t.Helper()
	at := link.(toxiproxy.Link)
	postRaw(t, "http://"+at.Address+"/proxies/"+at.Name+"/toxics", toxic)
}

func postRaw(t *testing.T, url string, body any) {
	t.Helper()
	text, err := json.Marshal(body)
	require.NoError(t, err)
	response, err := http.Post(url, "application/json", bytes.NewReader(text))
	require.NoError(t, err)
	defer http.DefaultClient.CloseIdleConnections()
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s", answer)
}

// reset_peer sets linger only when a connection starts, and then even at toxicity 0. It is never used.
func TestTrapResetPeer(t *testing.T) {
	t.Parallel()
	w := startLinked(t)
	toxic := toxiproxy.Toxic{Name: "reset", Type: "reset_peer", Stream: toGateway, Attributes: map[string]int{"timeout": 0}, Toxicity: 1}
	pooled := w.dial(t, replica(1))
	require.NoError(t, pooled.AskOnce())
	addRaw(t, w.site(replica(1)).Link, toxic)
	peer.RequireEnd(t, FIN, pooled.AskOnce())

	toxic.Toxicity = 0
	addRaw(t, w.site(replica(2)).Link, toxic)
	normal := w.dial(t, replica(2))
	_, err := io.WriteString(normal.TCP, "GET "+wire.ReadyPath+" HTTP/1.1\r\nHost: a\r\n\r\n")
	require.NoError(t, err)
	_, err = io.ReadAll(normal.In)
	require.ErrorIs(t, err, syscall.ECONNRESET, "its normal end, although the toxic does not act on it")

	require.EqualError(t, w.site(replica(1)).Link.Add(t.Context(), toxic),
		"toxiproxy: reset_peer does not reset the connections that are open: let the backend do it")
}

// Toxicity is an unseeded draw per connection, redrawn on every change. It is always 1; victims are chosen by the backend,
// or not at all.
func TestTrapToxicity(t *testing.T) {
	t.Parallel()
	w := startLinked(t)
	addRaw(t, w.site(replica(1)).Link, toxiproxy.Toxic{
		Name: "some", Type: "limit_data", Stream: toGateway, Attributes: map[string]int{"bytes": 1}, Toxicity: 0.5,
	})
	cut := 0
	for range 40 {
		if w.dial(t, replica(1)).AskOnce() != nil {
			cut++
		}
	}
	assert.NotZero(t, cut)
	assert.NotEqual(t, 40, cut)

	link := w.site(replica(2)).Link.(toxiproxy.Link)
	const delay = 20 * time.Millisecond
	addRaw(t, link, toxiproxy.Toxic{
		Name: "some", Type: "latency", Stream: toGateway, Attributes: map[string]int{"latency": 20}, Toxicity: 0.5,
	})
	one, delayed := w.dial(t, replica(2)), 0
	for range 40 {
		if timed(t, one) >= delay {
			delayed++
		}
		postRaw(t, "http://"+link.Address+"/proxies/"+link.Name+"/toxics/some", map[string]any{"toxicity": 0.5})
	}
	assert.NotZero(t, delayed, "the same connection")
	assert.NotEqual(t, 40, delayed)

	toxic := toxiproxy.Toxic{Name: "all", Type: "latency", Stream: toGateway, Toxicity: 0.1}
	require.NoError(t, link.Add(t.Context(), toxic))
	for _, is := range shown(t, link).Toxics {
		if is.Name == "all" {
			assert.InDelta(t, 1, is.Toxicity, 0)
		}
	}
	for name, test := range linkFaults {
		assert.Empty(t, test.fault.Acts().Chooses, name)
	}
}

// latency does not delay a lone FIN, slow_close does. slow_close makes the stale window, whose proof tells the two apart.
func TestTrapLoneFIN(t *testing.T) {
	t.Parallel()
	w := startLinked(t)
	for r, test := range map[int]struct {
		toxic, attribute string
		held             bool
	}{1: {"latency", "latency", false}, 2: {"slow_close", "delay", true}} {
		at := w.site(replica(r))
		p := w.dial(t, replica(r))
		require.NoError(t, p.AskOnce())
		addRaw(t, at.Link, toxiproxy.Toxic{
			Name: "delay", Type: test.toxic, Stream: toGateway, Attributes: map[string]int{test.attribute: 1000}, Toxicity: 1,
		})
		began := time.Now()
		_, err := IdleTimeout{After: time.Millisecond, By: FIN}.Inject(t.Context(), at, theOrder)
		require.NoError(t, err)
		peer.RequireEnd(t, FIN, p.End())
		assert.Equal(t, test.held, time.Since(began) >= time.Second, test.toxic)
	}

	w = startLinked(t)
	at := w.site(replica(1))
	at.Link = mistaken{at.Link}
	_, err := StaleWindow{After: idle, Held: held}.Inject(t.Context(), at, theOrder)
	require.ErrorContains(t, err, "the FIN came after ")
	requireAsBefore(t, w, replica(1))
}

// mistaken is a link on which a latency takes the place of slow_close.
type mistaken struct{ Toxics }

func (l mistaken) Add(ctx context.Context, toxic toxiproxy.Toxic) error {
	toxic.Type, toxic.Attributes = "latency", map[string]int{"latency": toxic.Attributes["delay"]}
	return l.Toxics.Add(ctx, toxic)
}

// Toxiproxy dials serially and without a timeout: one black hole stalls all new connections of that proxy. There is one
// proxy to a link, and black holes are made on direct links.
func TestTrapSerialDials(t *testing.T) {
	t.Parallel()
	data, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	journal := filepath.Join(t.TempDir(), "journal.jsonl")
	server, err := backend.Start("orders-1", data, journal)
	require.NoError(t, err)
	remote := startToxiproxy(t)
	link, err := remote.Connect(t.Context(), "orders-1", "127.0.0.1:0", data.Addr().String())
	require.NoError(t, err)
	w := startBackends(t)
	other, err := remote.Connect(t.Context(), "orders-2", "127.0.0.1:0", w.direct[replica(2)])
	require.NoError(t, err)
	w.way[replica(1)], w.way[replica(2)] = link.Listen, other.Listen

	require.NoError(t, server.Add(backend.Rule{ID: "full", On: backend.OnConnect, End: backend.Hang}))
	first := w.dial(t, replica(1)) // its SYN to the backend gets lost, and is repeated after a second
	require.NoError(t, w.dial(t, replica(2)).AskOnce(), "the other link is not stalled")
	require.NoError(t, server.Lift("full"))
	second := w.dial(t, replica(1))
	w.way[replica(1)] = data.Addr().String()
	direct := w.dial(t, replica(1))
	for id, p := range map[string]*peer.Peer{"direct": direct, "first": first, "second": second} {
		_, err := fmt.Fprintf(p.TCP, "GET / HTTP/1.1\r\nHost: a\r\n%s: %s\r\n\r\n", wire.ID, id)
		require.NoError(t, err)
	}
	for _, p := range []*peer.Peer{direct, first, second} {
		_, err := wire.ReadResponseHead(p.In)
		require.NoError(t, err)
	}
	require.NoError(t, server.Stop())
	file, err := os.Open(journal)
	require.NoError(t, err)
	defer file.Close()
	arrivals, err := backend.ReadJournal(file, 0)
	require.NoError(t, err)
	connection := map[string]int{}
	for _, a := range arrivals {
		connection[a.ID] = a.Connection
	}
	assert.Less(t, connection["direct"], connection["first"], "the backend was there to be reached")
	assert.Less(t, connection["first"], connection["second"], "which waited for the first one all the same")

	requireDirect(t, FillAcceptQueue{})
}

// stuckChild makes the test binary a process that leaves behind what this test does to its Toxiproxy.
const stuckChild = "BADGATEWAY_TEST_STUCK_CHILD"

// A link cannot be changed while nobody reads from one of its connections. That is an error, not a fault that is taken for
// one in force, and a Toxiproxy that does not end says so.
func TestTrapStuckConnection(t *testing.T) {
	t.Parallel()
	if os.Getenv(stuckChild) == "" {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTrapStuckConnection$")
		child.Env = append(os.Environ(), stuckChild+"=1", "TMPDIR="+t.TempDir())
		output, err := child.CombinedOutput()
		require.NoError(t, err, "%s", output)
		return
	}
	w := startBackends(t)
	server, err := toxiproxy.Start(t.Context())
	require.NoError(t, err)
	link, err := toxiproxy.Remote{Address: server.Address()}.Connect(t.Context(), "orders-1", "127.0.0.1:0", w.direct[replica(1)])
	require.NoError(t, err)
	w.way[replica(1)] = link.Listen
	stuck := w.dial(t, replica(1))
	stuck.Send(t, peer.Get("r", wire.Answer+": 20000000"))
	requireFull(t, stuck)
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	err = link.Add(ctx, toxiproxy.Toxic{Name: "a", Type: "latency", Stream: toGateway})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	other := w.dial(t, replica(1))
	other.Send(t, peer.Get("r"))
	other.RequireQuiet(t, long)
	require.EqualError(t, server.Stop(), "toxiproxy: its proxies do not end within 5s")
	if !t.Failed() {
		os.Exit(0) // what is stuck stays so
	}
}

// requireFull waits until what the kernel holds for the peer has not become more for a while: everything before it is full
// too.
func requireFull(t *testing.T, p *peer.Peer) {
	t.Helper()
	raw, err := p.TCP.SyscallConn()
	require.NoError(t, err)
	buffer := make([]byte, 8<<20) // more than the kernel holds
	held, since := 0, time.Now()
	require.Eventually(t, func() bool {
		now := 0
		require.NoError(t, raw.Read(func(fd uintptr) bool {
			now, _, _ = syscall.Recvfrom(int(fd), buffer, syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			return true
		}))
		if now <= 0 || now != held {
			held, since = now, time.Now()
		}
		return time.Since(since) > long
	}, patience, 10*time.Millisecond)
}

// Toxiproxy's own Go client takes no context, and older ones leak. The small client of ours leaves nothing behind, and knows
// which release it was written for.
func TestTrapClient(t *testing.T) {
	before := goleak.IgnoreCurrent()
	server, err := toxiproxy.Start(t.Context())
	require.NoError(t, err)
	remote := toxiproxy.Remote{Address: server.Address()}
	link, err := remote.Connect(t.Context(), "orders-1", "127.0.0.1:0", closedPort(t))
	require.NoError(t, err)
	for range 20 {
		const name = "50 % of 10 KB/s, from ../1.5s?a#b"
		require.NoError(t, link.Add(t.Context(), toxiproxy.Toxic{Name: name, Type: "latency", Stream: toGateway}))
		require.Len(t, shown(t, link).Toxics, 1)
		require.NoError(t, link.Remove(t.Context(), name))
		require.Empty(t, shown(t, link).Toxics)
		require.NoError(t, link.Remove(t.Context(), name), "a second time")
		require.NoError(t, link.Disable(t.Context()))
		require.NoError(t, link.Enable(t.Context()))
	}
	link.Name = "orders-2"
	require.ErrorContains(t, link.Remove(t.Context(), "a"), "proxy not found", "which is not the same as no toxic")
	require.NoError(t, server.Stop())
	goleak.VerifyNone(t, before)

	text, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	modules := regexp.MustCompile(`(?i)\S*shopify/toxiproxy\S* v\S+`).FindAllString(string(text), -1)
	require.Len(t, modules, 1)
	assert.Regexp(t, `^github.com/Shopify/toxiproxy/v2 v`+regexp.QuoteMeta(toxiproxy.Supported)+`\.\d+$`, modules[0])
}

// What a toxic does is known of one release.
func TestTrapOtherReleases(t *testing.T) {
	for version, want := range map[string]string{
		"2.12.0": "", "2.12.1": "", "2.12": "",
		"2.5.0": "toxiproxy: it is version 2.5.0, want 2.12", "2.120.0": "toxiproxy: it is version 2.120.0, want 2.12",
		"git": "toxiproxy: it is version git, want 2.12", "": "toxiproxy: it is version , want 2.12",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"version": %q}`, version)
		}))
		err := toxiproxy.Remote{Address: server.Listener.Addr().String()}.Check(t.Context())
		server.Close()
		if want == "" {
			assert.NoError(t, err)
			continue
		}
		assert.EqualError(t, err, want)
	}
}
