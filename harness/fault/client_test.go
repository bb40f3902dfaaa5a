package fault_test

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// Faults from the client are shown from outside: a real client that takes rules, and a real backend in the gateway's place.

// clientFaults has a row for every fault from the client: the POSTs are its victims, the GETs are spared.
var clientFaults = map[string]struct {
	fault fault.Fault
	name  string
	// waits lets the backend keep the victims waiting for as long as the fault is in force.
	waits bool
	// aborts says that the victims are broken off; otherwise they are answered all the same.
	aborts bool
	// takes is how long a victim takes at least.
	takes time.Duration
	// reused says that the connection of a victim may be used again.
	reused bool
}{
	"AbortWhileWaiting by FIN": {
		fault: fault.AbortWhileWaiting{After: 20 * time.Millisecond, By: fault.FIN},
		name:  "abort while waiting after 20ms by FIN", waits: true, aborts: true, takes: 20 * time.Millisecond,
	},
	"AbortWhileWaiting by RST": {
		fault: fault.AbortWhileWaiting{By: fault.RST}, name: "abort while waiting by RST", waits: true, aborts: true,
	},
	"AbortUpload by FIN": {
		fault: fault.AbortUpload{By: fault.FIN}, name: "abort of the upload by FIN", aborts: true,
	},
	"AbortUpload by RST": {
		fault: fault.AbortUpload{Byte: 7, By: fault.RST}, name: "abort of the upload behind byte 7 by RST", aborts: true,
	},
	"AbortDownload by FIN": {
		fault: fault.AbortDownload{Byte: 7, By: fault.FIN}, name: "abort of the download behind byte 7 by FIN", aborts: true,
	},
	"AbortDownload by RST": {
		fault: fault.AbortDownload{By: fault.RST}, name: "abort of the download by RST", aborts: true,
	},
	"SlowUpload": { // 128 bytes
		fault: fault.SlowUpload{Rate: 1280}, name: "slow upload of 1280 bytes per second",
		takes: 100 * time.Millisecond, reused: true,
	},
	"SlowReader": { // 128 bytes and the head, but for the last 64
		fault: fault.SlowReader{Rate: 1280}, name: "slow reader of 1280 bytes per second", takes: 50 * time.Millisecond,
	},
	"HalfClose": {fault: fault.HalfClose{}, name: "half-close"},
}

// both is a load of GETs and POSTs, drawn from the seed.
var both = load.Constant{Rate: 500, For: 40 * time.Millisecond, Request: load.Mix{load.GET("/orders"), load.POST("/orders")}}

const seed = 4

// drawn counts the requests with that method.
func drawn(method string) (n int) {
	for p := range both.Plan(seed) {
		if p.Method == method {
			n++
		}
	}
	return n
}

// sendBoth sends the load and returns the GETs and the POSTs.
func sendBoth(t *testing.T, address string, script *load.Script) (gets, posts []record.Request) {
	t.Helper()
	var dialer net.Dialer
	client := load.Client{
		Address: address, Dial: dialer.DialContext, Clock: record.StartClock(), Patience: 20 * time.Second, Script: script,
		Began: func(time.Duration) {},
		Seen: func(r record.Request) {
			if r.Method == "GET" {
				gets = append(gets, r)
			} else {
				posts = append(posts, r)
			}
		},
	}
	require.NoError(t, client.Run(t.Context(), both, seed))
	return gets, posts
}

func startBackend(t *testing.T) (*backend.Server, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server, err := backend.Start("orders-1", listener, filepath.Join(t.TempDir(), "journal.jsonl"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Stop()) })
	return server, listener.Addr().String()
}

// A fault from the client bites its victims, spares all others, and is gone when it is lifted; its receipt says what the
// records say.
func TestClientFaults(t *testing.T) {
	for name, test := range clientFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, test.fault.Validate())
			assert.Equal(t, test.name, test.fault.String())
			server, address := startBackend(t)
			if test.waits {
				require.NoError(t, server.Add(backend.Rule{
					ID: "slow", On: backend.OnRequest, Of: fault.All().OfMethod("POST"), Delay: time.Hour,
				}))
			}
			script := &load.Script{}
			at := fault.Site{Name: "client", Client: script}
			active, err := test.fault.Inject(t.Context(), at, fault.Order{ID: "the id", Of: fault.All().OfMethod("POST")})
			require.NoError(t, err)

			posts := drawn("POST")
			spared, victims := sendBoth(t, address, script)
			requireSpared(t, spared, drawn("GET"))
			require.Len(t, victims, posts)
			onConnection := map[int]int{}
			for _, r := range append(spared, victims...) {
				onConnection[r.Connection] = max(onConnection[r.Connection], r.Position)
			}
			for _, r := range victims {
				want := record.Complete
				if test.aborts {
					want = record.Aborted
				}
				assert.Equal(t, want, r.Outcome, r.Detail)
				assert.False(t, r.Failed())
				assert.Equal(t, "the id", r.Injection)
				assert.GreaterOrEqual(t, r.Done-r.Sent, test.takes)
				if !test.reused {
					assert.Equal(t, r.Position, onConnection[r.Connection], "a victim is the last on its connection")
				}
			}
			want := record.Receipt{Replica: "client", Requests: posts}
			if test.aborts {
				want.Connections = posts
			}
			requireClientReceipt(t, active, want)

			require.NoError(t, active.Lift(t.Context()))
			require.NoError(t, active.Lift(t.Context()), "it may be repeated")
			require.NoError(t, server.Lift("slow"))
			spared, others := sendBoth(t, address, script)
			requireSpared(t, spared, drawn("GET"))
			requireSpared(t, others, posts)
			requireClientReceipt(t, active, want)
		})
	}
}

// The same on the way through a gateway, in each lab. What the gateway makes of a victim is its own affair: that it was one,
// and that no other was, is the client's.
func TestClientFaultsInEachLab(t *testing.T) {
	onEachLab(t, func(t *testing.T, s *stage) {
		for name, test := range clientFaults {
			t.Run(name, func(t *testing.T) {
				if test.waits {
					slow := backend.Rule{ID: name, On: backend.OnRequest, Of: fault.All().OfMethod("POST"), Delay: time.Hour}
					for _, replica := range orders.Members() {
						require.NoError(t, s.Site(replica).Backend.Add(t.Context(), slow))
					}
				}
				script := &load.Script{}
				order := fault.Order{ID: "the id", Of: fault.All().OfMethod("POST")}
				active, err := test.fault.Inject(t.Context(), fault.Site{Name: "client", Client: script}, order)
				require.NoError(t, err)
				spared, victims := sendBoth(t, s.Address(), script)
				requireSpared(t, spared, drawn("GET"))
				require.Len(t, victims, drawn("POST"))
				for _, r := range victims {
					assert.Equal(t, "the id", r.Injection)
					assert.Equal(t, test.aborts, r.Outcome == record.Aborted, "%s: %s", r.Outcome, r.Detail)
				}
				want := record.Receipt{Replica: "client", Requests: len(victims)}
				if test.aborts {
					want.Connections = len(victims)
				}
				requireClientReceipt(t, active, want)
				require.NoError(t, active.Lift(t.Context()))
				for _, replica := range orders.Members() {
					require.NoError(t, s.Site(replica).Backend.Lift(t.Context(), name))
				}
				spared, others := sendBoth(t, s.Address(), script)
				requireSpared(t, append(spared, others...), len(spared)+len(others))
			})
		}
	})
}

func requireSpared(t *testing.T, spared []record.Request, n int) {
	t.Helper()
	require.Len(t, spared, n)
	for _, r := range spared {
		require.Equal(t, record.Complete, r.Outcome, r.Detail)
		require.Empty(t, r.Injection)
	}
}

func requireClientReceipt(t *testing.T, of fault.Active, want record.Receipt) {
	t.Helper()
	got, err := of.Receipt(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// Every kind of fault from the client acts on the client alone, and on nobody else.
func TestWindowsOnTheClient(t *testing.T) {
	orders := topology.Replicas("orders", 2)
	for name, test := range clientFaults {
		t.Run(name, func(t *testing.T) {
			for _, of := range []fault.Victims{fault.All(), fault.EveryRequest(3), fault.NthConnection(2)} {
				window := fault.Window{On: topology.Client, Of: of, Inject: test.fault}
				assert.NoError(t, fault.Schedule{window}.Validate(orders, time.Second, 100))
			}
			elsewhere := fault.Window{On: orders.Replica(1), Inject: test.fault}
			assert.ErrorContains(t, fault.Schedule{elsewhere}.Validate(orders, time.Second, 100), "it acts on the client, not on a replica")

			window := fault.Window{On: topology.Client, Inject: test.fault}
			other := fault.Window{On: topology.Client, Inject: fault.SlowUpload{Rate: 7}}
			assert.ErrorContains(t, fault.Schedule{window, other}.Validate(orders, time.Second, 100), "both take hold of the requests")
			window.Of, other.Of = fault.All().OfMethod("POST"), fault.All().OfMethod("GET")
			assert.NoError(t, fault.Schedule{window, other}.Validate(orders, time.Second, 100))
		})
	}
}

func TestClientFaultsThatCannotBe(t *testing.T) {
	for name, test := range map[string]struct {
		fault fault.Fault
		want  string
	}{
		"no end":       {fault.AbortUpload{}, `rule abort of the upload by no known end: unknown end "", want fin or rst`},
		"another end":  {fault.AbortDownload{By: backend.Hang}, `unknown end "hang", want fin or rst`},
		"in the past":  {fault.AbortWhileWaiting{After: -time.Second, By: fault.FIN}, "after -1s, want no negative time"},
		"no such byte": {fault.AbortUpload{Byte: -1, By: fault.FIN}, "byte -1, want no negative number"},
		"standstill":   {fault.SlowReader{}, "0 bytes per second, want 1 or more"},
		"backwards":    {fault.SlowUpload{Rate: -1}, "-1 bytes per second, want 1 or more"},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, test.fault.Validate(), test.want)
			_, err := test.fault.Inject(t.Context(), fault.Site{Name: "client", Client: &load.Script{}}, fault.Order{ID: "the id"})
			require.ErrorContains(t, err, "client: rule the id: ")
		})
	}
}

// One id is one injection, and what was refused does not end what is in force.
func TestSameIDTwiceAtTheClient(t *testing.T) {
	_, address := startBackend(t)
	script := &load.Script{}
	at := fault.Site{Name: "client", Client: script}
	active, err := fault.HalfClose{}.Inject(t.Context(), at, fault.Order{ID: "the id"})
	require.NoError(t, err)
	_, err = fault.AbortUpload{By: fault.FIN}.Inject(t.Context(), at, fault.Order{ID: "the id"})
	require.EqualError(t, err, "client: rule the id is already known")
	gets, posts := sendBoth(t, address, script)
	requireClientReceipt(t, active, record.Receipt{Replica: "client", Requests: len(gets) + len(posts)})
}

// A schedule puts a window on the client in force, lifts it, and collects its receipt, which proves that it bit.
func TestScheduleOnTheClient(t *testing.T) {
	_, address := startBackend(t)
	script := &load.Script{}
	window := fault.Window{On: topology.Client, Of: fault.NthRequest(3).OfMethod("POST"), Inject: fault.AbortUpload{By: fault.RST}}
	run, err := fault.Schedule{window}.Apply(t.Context(), record.StartClock(), fault.Field{Client: script}, 42)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	run.Begin(ctx, 0)
	spared, posts := sendBoth(t, address, script)
	requireSpared(t, spared, drawn("GET"))
	aborted := 0
	for _, r := range posts {
		if r.Outcome == record.Aborted {
			aborted++
			assert.Equal(t, window.ID(), r.Injection)
		}
	}
	assert.Equal(t, 1, aborted)
	injections, err := run.End(t.Context())
	require.NoError(t, err)
	require.Len(t, injections, 1)
	assert.True(t, injections[0].Bit())
	assert.Equal(t, []record.Receipt{{Replica: "client", Connections: 1, Requests: 1}}, injections[0].Receipts)
}
