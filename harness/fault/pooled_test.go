package fault

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/peer"
)

// A connection that was pooled before the fault came is not spared.
func TestPooledConnectionsAreNotSpared(t *testing.T) {
	for name, test := range map[string]struct {
		fault Fault
		ends  func(*peer.Peer) error
	}{
		"CloseOnReuse":        {CloseOnReuse{By: RST}, (*peer.Peer).AskOnce},
		"CloseBeforeResponse": {CloseBeforeResponse{By: RST}, (*peer.Peer).AskOnce},
		"IdleTimeout":         {IdleTimeout{After: idle, By: RST}, (*peer.Peer).End},
		"CloseAfterResponse": {CloseAfterResponse{By: RST}, func(p *peer.Peer) error {
			if err := p.Ask("r"); err != nil {
				return err
			}
			return p.End()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startBackends(t)
			p := w.dial(t, replica(1))
			require.NoError(t, p.Ask("r"))
			_, err := test.fault.Inject(t.Context(), w.site(replica(1)), theOrder)
			require.NoError(t, err)
			peer.RequireEnd(t, RST, test.ends(p))
		})
	}
}

// A connection in quick use is younger than the idle time that CloseOnReuse asks for.
func TestCloseOnReuseSparesTheBusy(t *testing.T) {
	w := startBackends(t)
	active, err := CloseOnReuse{By: FIN, Idle: time.Hour}.Inject(t.Context(), w.site(replica(1)), theOrder)
	require.NoError(t, err)
	reused(t, w, replica(1))
	got, err := active.Receipt(t.Context())
	require.NoError(t, err)
	assert.Zero(t, got.Connections+got.Requests)
}

// One id is one injection: its receipt must not count for two. The one that is refused takes the other with it, since
// nobody can say which of them a rule of that id is.
func TestSameIDTwice(t *testing.T) {
	w := startBackends(t)
	_, err := CloseOnReuse{By: FIN}.Inject(t.Context(), w.site(replica(1)), theOrder)
	require.NoError(t, err)
	_, err = IdleTimeout{After: idle, By: FIN}.Inject(t.Context(), w.site(replica(1)), theOrder)
	require.EqualError(t, err, "backend orders-1: rule the id is already known")
	reused(t, w, replica(1))
}

// after returns how a connection ends after so many answers.
func after(answers int, ends func(*peer.Peer) error) func(*testing.T, string) error {
	return func(t *testing.T, address string) error {
		t.Helper()
		p := peer.Dial(t, address)
		defer p.TCP.Close()
		for range answers {
			require.NoError(t, p.AskOnce())
		}
		return ends(p)
	}
}

// RST is RST and FIN is FIN at the peer, on new and on live connections, every time.
func TestEndsAreWhatTheySay(t *testing.T) {
	const times = 1000
	for _, by := range []End{FIN, RST} {
		for name, test := range map[string]struct {
			fault Fault
			ends  func(t *testing.T, address string) error
		}{
			"on new connections":  {CloseBeforeResponse{By: by}, after(0, (*peer.Peer).AskOnce)},
			"on live connections": {CloseOnReuse{By: by}, after(1, (*peer.Peer).AskOnce)},
			"after an answer":     {CloseAfterResponse{By: by}, after(1, (*peer.Peer).End)},
			"on accept": {CloseOnAccept{By: by}, func(t *testing.T, address string) error {
				t.Helper()
				tcp, err := net.Dial("tcp", address)
				if err != nil {
					return err // a reset may come before the kernel has told of the connection
				}
				defer tcp.Close()
				_, err = tcp.Read(make([]byte, 1))
				return err
			}},
		} {
			t.Run(name+" by "+string(by), func(t *testing.T) {
				t.Parallel()
				w := startBackends(t)
				active, err := test.fault.Inject(t.Context(), w.site(replica(1)), theOrder)
				require.NoError(t, err)
				for range times {
					peer.RequireEnd(t, by, test.ends(t, w.way[replica(1)]))
				}
				receipt, err := active.Receipt(t.Context())
				require.NoError(t, err)
				assert.Equal(t, times, receipt.Connections)
			})
		}
	}
}
