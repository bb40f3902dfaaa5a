package fault

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// orchestra is a lab that does nothing but to remember what it was told, in order. What fails, fails once.
type orchestra struct {
	told  []string
	fails string
	dial  string // of the next life
	front string // the gateway's address
}

func (o *orchestra) tell(what string) error {
	o.told = append(o.told, what)
	if what == o.fails {
		o.fails = ""
		return errors.New("not today")
	}
	return nil
}

func (o *orchestra) Kill(context.Context) error { return o.tell("kill") }
func (o *orchestra) Stop(_ context.Context, grace time.Duration) error {
	return o.tell("stop within " + grace.String())
}
func (o *orchestra) Start(context.Context) error      { return o.tell("start") }
func (o *orchestra) Pause(context.Context) error      { return o.tell("pause") }
func (o *orchestra) Resume(context.Context) error     { return o.tell("resume") }
func (o *orchestra) Disconnect(context.Context) error { return o.tell("disconnect") }
func (o *orchestra) Connect(context.Context) error    { return o.tell("connect") }
func (o *orchestra) Succeed(context.Context) (Site, error) {
	return Site{Name: "orders-1", Dial: o.dial}, o.tell("succeed")
}

func (o *orchestra) Retire(_ context.Context, grace time.Duration) error {
	return o.tell("retire within " + grace.String())
}

func (o *orchestra) Supplant(_ context.Context, by string) error { return o.tell("supplant for " + by) }
func (o *orchestra) Unmask(context.Context) error                { return o.tell("unmask") }
func (o *orchestra) Misled(_ context.Context, by string) (record.Receipt, error) {
	return record.Receipt{Replica: "orders-1-impostor", Requests: 3}, o.tell("misled for " + by)
}

// conductor is the same lab's gateway: its Stop and Start are others.
type conductor struct{ *orchestra }

func (c conductor) Address() string { return c.front }
func (c conductor) Include(_ context.Context, r topology.Replica) error {
	return c.tell("include " + r.String())
}

func (c conductor) Exclude(_ context.Context, r topology.Replica) error {
	return c.tell("exclude " + r.String())
}
func (c conductor) Reload(context.Context) error { return c.tell("reload") }
func (c conductor) Stop(context.Context) error   { return c.tell("stop the gateway") }

func (c conductor) Start(context.Context) error { return c.tell("start the gateway") }

// replying is an address where every request is answered with a status.
func replying(t *testing.T, status int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// left is an address where nobody is any more.
func left(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

// mute is an address where connections are opened and nobody is at home.
func mute(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

const grace = 2 * time.Second

// onProcesses are the faults of processes: what each does when it is injected and when it is lifted, where its address must
// lead to then, and what it does when it failed half-way.
var onProcesses = []struct {
	fault                Fault
	injects, lifts, undo string // by commas
	looks                func(*testing.T) string
	instead              func(*testing.T) string // where nothing is proved
	probe                string
}{
	{
		fault: Kill{}, injects: "kill", lifts: "start", looks: left, instead: well, probe: "a connection was refused",
	},
	{
		fault: StopReplica{}, injects: "stop within 0s", lifts: "start", looks: left, instead: well,
		probe: "a connection was refused",
	},
	{
		fault: StopReplica{Grace: grace}, injects: "stop within 2s", lifts: "start", looks: left, instead: well,
		probe: "a connection was refused",
	},
	{
		fault: Pause{}, injects: "pause", lifts: "resume", looks: mute, instead: left,
		probe: "a connection was opened, and nothing came within 300ms",
	},
	{fault: Disconnect{}, injects: "disconnect", lifts: "connect", looks: left, instead: well, probe: "a connection was refused"},
	{
		fault: Replace{}, injects: "succeed,retire within 0s", lifts: "include orders-1",
		undo: "include orders-1,retire within 0s", looks: left, instead: well,
		probe: "the next life answers; at the old address a connection was refused",
	},
	{
		fault: Replace{ListFirst: true, Grace: grace}, injects: "succeed,include orders-1", lifts: "retire within 2s",
		undo: "include orders-1,retire within 2s", looks: well, probe: "the next life answers",
	},
	{
		fault: StaleAddress{}, injects: "succeed,supplant for broken", lifts: "include orders-1,unmask",
		undo: "retire within 0s,include orders-1,unmask", looks: foreign, instead: well,
		probe: "the next life answers; at the old address it was answered with status 404",
	},
	{
		fault: ScaleDown{}, injects: "exclude orders-1,stop within 0s", lifts: "start,include orders-1",
		looks: left, instead: well, probe: "a connection was refused",
	},
	{
		fault: ScaleDown{PreStop: time.Millisecond, Grace: grace}, injects: "exclude orders-1,stop within 2s",
		lifts: "start,include orders-1", looks: left, instead: well, probe: "a connection was refused",
	},
	{
		fault: ScaleDown{StopFirst: true, Grace: grace}, injects: "stop within 2s,exclude orders-1",
		lifts: "start,include orders-1", looks: left, instead: well, probe: "a connection was refused",
	},
	{
		fault: ReloadGateway{}, injects: "reload", looks: well, instead: left, probe: "it was told, and accepts connections",
	},
	{
		fault: ReloadGateway{Times: 3}, injects: "reload,reload,reload", looks: well, instead: left,
		probe: "it was told, and accepts connections",
	},
	{
		fault: StopGateway{}, injects: "stop the gateway", lifts: "start the gateway", looks: left, instead: well,
		probe: "a connection was refused",
	},
}

func well(t *testing.T) string    { t.Helper(); return replying(t, 200) }
func foreign(t *testing.T) string { t.Helper(); return replying(t, 404) }

// podium is a site of a lab that remembers.
func podium(t *testing.T, looks func(*testing.T) string) (*orchestra, Site) {
	t.Helper()
	at := looks(t)
	o := &orchestra{dial: well(t), front: at}
	first := topology.Replica{Group: "orders", Index: 1}
	return o, Site{Name: "orders-1", Replica: first, Dial: at, Process: o, Network: o, Lives: o, Gateway: conductor{o}}
}

func steps(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func TestFaultsOfProcesses(t *testing.T) {
	for _, test := range onProcesses {
		t.Run(test.fault.String(), func(t *testing.T) {
			require.NoError(t, test.fault.Validate())
			o, at := podium(t, test.looks)
			active, err := test.fault.Inject(t.Context(), at, Order{ID: "broken"})
			require.NoError(t, err)
			assert.Equal(t, steps(test.injects), o.told)
			o.told = nil
			require.NoError(t, active.Lift(t.Context()))
			assert.Equal(t, steps(test.lifts), o.told)

			receipt, err := active.Receipt(t.Context())
			require.NoError(t, err)
			want := record.Receipt{Replica: "orders-1", Probe: test.probe, Uncounted: true}
			if test.fault == (StaleAddress{}) {
				want.Replica, want.Requests, want.Uncounted = "orders-1-impostor", 3, false
			}
			assert.Equal(t, want, receipt)
		})
	}
}

// Whatever fails, and if it is the proof, is undone.
func TestFaultsOfProcessesThatFail(t *testing.T) {
	for _, test := range onProcesses {
		undoes := steps(test.lifts)
		if test.undo != "" {
			undoes = steps(test.undo)
		}
		for i, fails := range steps(test.injects) {
			t.Run(test.fault.String()+": "+fails, func(t *testing.T) {
				o, at := podium(t, test.looks)
				o.fails = fails
				_, err := test.fault.Inject(t.Context(), at, Order{ID: "broken"})
				require.ErrorContains(t, err, "not today")
				first := slices.Index(steps(test.injects), fails)
				require.LessOrEqual(t, first, i)
				assert.Equal(t, slices.Concat(steps(test.injects)[:first+1], undoes), o.told)
			})
		}
		if test.instead == nil {
			continue
		}
		t.Run(test.fault.String()+": proof", func(t *testing.T) {
			o, at := podium(t, test.instead)
			_, err := test.fault.Inject(t.Context(), at, Order{ID: "broken"})
			require.ErrorContains(t, err, test.fault.String()+": orders-1: ")
			assert.Equal(t, slices.Concat(steps(test.injects), undoes), o.told)
		})
	}
}

// Silence that is heard because nobody waits any longer proves nothing.
func TestInterruptedProbeProvesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Site{Dial: mute(t)}.deserted(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestDisconnectNeedsACable(t *testing.T) {
	_, at := podium(t, left)
	at.Network = nil
	_, err := Disconnect{}.Inject(t.Context(), at, Order{ID: "broken"})
	require.EqualError(t, err, "disconnect: orders-1 cannot be taken from a network")
}

func TestGraces(t *testing.T) {
	for _, f := range []Fault{
		StopReplica{Grace: -1}, StopReplica{Grace: 10 * time.Second}, Replace{Grace: time.Hour}, ScaleDown{Grace: -time.Second},
	} {
		assert.ErrorContains(t, f.Validate(), "want 0 or more and less than 10s", "%s", f)
	}
	for _, f := range []Fault{ScaleDown{PreStop: -1}, ScaleDown{PreStop: time.Second, StopFirst: true}} {
		assert.ErrorContains(t, f.Validate(), "want 0 or more, and 0 where the process is stopped first", "%s", f)
	}
	assert.EqualError(t, ReloadGateway{Times: -1}.Validate(), "-1 reloads: want 1 or more")
}
