package lab

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/peer"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
)

// The faults that a firewall in the network namespace of a backend carries out, as a peer on the containers' network sees
// them. The second replica is there to be spared.

const (
	// silence is far more than an answer takes.
	silence = 300 * time.Millisecond
	// again is how soon Linux sends again what was not acknowledged, at the least (TCP_RTO_MIN).
	again = 200 * time.Millisecond
)

// walled is a lab whose backends have a firewall.
type walled struct {
	broken, spared fault.Site
}

func startWalled(t *testing.T) walled {
	t.Helper()
	p := planOf(available(t, "nginx@1.26"), t.TempDir())
	p.Links, p.Needs = nil, []fault.Need{fault.Firewall}
	l := start(t, p)
	if l.Facts().Reach == string(publishedPort) {
		t.Skip("the engine's own proxy stands between a peer and a backend, and answers for it")
	}
	members := orders.Members()
	return walled{l.Site(members[0]), l.Site(members[1])}
}

func (w walled) inject(t *testing.T, f fault.Fault) fault.Active {
	t.Helper()
	require.NoError(t, f.Validate())
	active, err := f.Inject(t.Context(), w.broken, fault.Order{ID: f.String() + " on orders-1"})
	require.NoError(t, err)
	assert.Zero(t, packets(t, active))
	return active
}

// packets is how many packets the fault has dropped, and nothing else.
func packets(t *testing.T, of fault.Active) int {
	t.Helper()
	receipt, err := of.Receipt(t.Context())
	require.NoError(t, err)
	assert.Equal(t, record.Receipt{Replica: "orders-1", Packets: receipt.Packets}, receipt)
	return receipt.Packets
}

// lift lifts the fault and returns how many packets it has dropped.
func lift(t *testing.T, of fault.Active) int {
	t.Helper()
	before := packets(t, of)
	require.NoError(t, of.Lift(t.Context()))
	require.NoError(t, of.Lift(t.Context()), "a second time")
	after := packets(t, of)
	assert.GreaterOrEqual(t, after, before)
	return after
}

// opened is a connection on which a request was answered.
func opened(t *testing.T, address string) *peer.Peer {
	t.Helper()
	p := peer.Dial(t, address)
	require.NoError(t, p.AskOnce())
	return p
}

// requireUnanswered requires whoever opens a connection to hear nothing.
func requireUnanswered(t *testing.T, address string) {
	t.Helper()
	_, err := net.DialTimeout("tcp", address, silence)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout(), "%v", err)
}

func TestDroppedConnects(t *testing.T) {
	t.Parallel()
	w := startWalled(t)
	open := opened(t, w.broken.Dial)
	active := w.inject(t, fault.DropConnects{})

	requireUnanswered(t, w.broken.Dial)
	require.NoError(t, open.AskOnce(), "one that is open goes on")
	opened(t, w.spared.Dial)
	assert.Equal(t, 1, packets(t, active), "one try")

	late := make(chan error, 1)
	began := time.Now()
	go func() { // in the middle of the fault
		conn, err := net.DialTimeout("tcp", w.broken.Dial, peer.Patience)
		if err == nil {
			err = conn.Close()
		}
		late <- err
	}()
	require.Eventually(t, func() bool { return packets(t, active) >= 2 }, peer.Patience, 10*time.Millisecond)
	dropped := lift(t, active)
	require.NoError(t, <-late)
	t.Logf("%d packets dropped; one that tried again was let in after %d ms", dropped, time.Since(began).Milliseconds())
	assert.GreaterOrEqual(t, dropped, 2)
	opened(t, w.broken.Dial)
	require.NoError(t, open.AskOnce())
}

func TestLostPackets(t *testing.T) {
	t.Parallel()
	w := startWalled(t)
	open, spared := opened(t, w.broken.Dial), opened(t, w.spared.Dial)
	active := w.inject(t, fault.LosePackets{Every: 7})

	const requests = 40
	slow := 0
	var slowest time.Duration
	for range requests {
		began := time.Now()
		require.NoError(t, open.Ask("r", wire.Answer+": 5000"), "late, not lost")
		took := time.Since(began)
		if took >= again {
			slow++
		}
		slowest = max(slowest, took)
	}
	require.NoError(t, opened(t, w.broken.Dial).AskOnce(), "a new one")
	assert.NotZero(t, slow)
	dropped := lift(t, active)
	t.Logf("%d packets dropped; %d of %d requests took %s or more, the slowest %d ms", dropped, slow, requests, again, slowest.Milliseconds())
	assert.Greater(t, dropped, requests*2/7/2, "every seventh of a request and an answer each, at the very least half of them")

	began := time.Now()
	for range requests {
		require.NoError(t, open.AskOnce())
		require.NoError(t, spared.AskOnce())
	}
	assert.Less(t, time.Since(began), requests*again/2, "as before")
	assert.Equal(t, dropped, packets(t, active), "nothing any more")
}

func TestForgottenConnections(t *testing.T) {
	t.Parallel()
	w := startWalled(t)
	first, second, idle := opened(t, w.broken.Dial), opened(t, w.broken.Dial), opened(t, w.broken.Dial)
	spared := opened(t, w.spared.Dial)
	active := w.inject(t, fault.ForgetConnections{})

	first.Send(t, peer.Get("forgotten"))
	require.NoError(t, second.TCP.CloseWrite(), "a FIN")
	first.RequireQuiet(t, silence)
	second.RequireQuiet(t, silence)
	fresh := opened(t, w.broken.Dial)
	require.NoError(t, fresh.AskOnce())
	require.NoError(t, spared.AskOnce())
	first.RequireQuiet(t, silence)

	dropped := lift(t, active)
	t.Logf("%d packets dropped", dropped)
	assert.GreaterOrEqual(t, dropped, 3, "the request, the FIN, and one of them again")
	began := time.Now()
	head, _ := first.Answer(t, "GET")
	t.Logf("answered %d ms after", time.Since(began).Milliseconds())
	assert.Equal(t, 200, head.Status())
	peer.RequireEnd(t, fault.FIN, second.End())
	require.NoError(t, idle.AskOnce())
	require.NoError(t, fresh.AskOnce())
}

// Several rules drop at once, each with a count of its own: together these two are a machine that is dead.
func TestFirewallRulesTogether(t *testing.T) {
	t.Parallel()
	w := startWalled(t)
	open := opened(t, w.broken.Dial)
	dead := []fault.Active{w.inject(t, fault.DropConnects{}), w.inject(t, fault.ForgetConnections{})}
	requireUnanswered(t, w.broken.Dial)
	open.Send(t, peer.Get("r"))
	open.RequireQuiet(t, silence)
	for _, active := range dead {
		assert.NotZero(t, lift(t, active))
	}
	head, _ := open.Answer(t, "GET")
	assert.Equal(t, 200, head.Status())
	opened(t, w.broken.Dial)
}

// A backend that was not told that it may, or that has not got the capability, does not touch any firewall, and says so.
func TestFirewallThatIsOutOfReach(t *testing.T) {
	t.Parallel()
	p := planOf(available(t, "nginx@1.26"), t.TempDir())
	p.Links = nil
	l := start(t, p).(*inDocker)
	const id = "dropped connects on orders-1"
	_, err := fault.DropConnects{}.Inject(t.Context(), l.Site(orders.Members()[0]), fault.Order{ID: id})
	require.EqualError(t, err, "backend orders-1: rule "+id+": this backend must leave the firewall alone: it takes a backend "+
		"in a container, with -firewall")

	got, err := obtain(t.Context(), l.engine, backendRecipe, nil)
	require.NoError(t, err)
	s, err := l.run(t.Context(), spec{name: "incapable", image: got, args: []string{"-firewall"}, ports: []int{controlPort}})
	require.NoError(t, err)
	remote := backend.Remote{Name: "incapable", Address: s.address(controlPort)}
	rule := backend.Rule{ID: id, On: backend.OnPacket, Drop: backend.DropOpening}
	require.Eventually(t, func() bool { return remote.Settle(t.Context()) == nil }, peer.Patience, 10*time.Millisecond)
	require.ErrorContains(t, remote.Add(t.Context(), rule), "the firewall needs the capability NET_ADMIN: ")
}
