package fault

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// A window's id is its name in the record, in known.yaml and on the screen.
func TestWindowID(t *testing.T) {
	for want, window := range map[string]Window{
		"close-on-reuse by FIN on orders-2": {On: orders.Replica(2), Inject: CloseOnReuse{By: FIN}},
		"close-on-reuse by RST on orders":   {On: orders.Each(), Inject: CloseOnReuse{By: RST}},
		"close-on-reuse by FIN after 30ms idle, executed on orders-1 from 1.5s": {
			From: 1500 * time.Millisecond, For: time.Second, On: orders.Replica(1),
			Inject: CloseOnReuse{By: FIN, Idle: 30 * time.Millisecond, Executed: true},
		},
		"idle timeout of 5s by RST on orders-1": {On: orders.Replica(1), Inject: IdleTimeout{After: 5 * time.Second, By: RST}},
		"stale window of 200ms after 30ms idle on orders": {
			On: orders.Each(), Inject: StaleWindow{After: 30 * time.Millisecond, Held: 200 * time.Millisecond},
		},
	} {
		assert.Equal(t, want, window.ID())
	}
}

func TestWindowPhases(t *testing.T) {
	window := Window{From: time.Second, On: orders.Replica(2), Inject: CloseOnReuse{By: FIN}}
	const id = "close-on-reuse by FIN on orders-2 from 1s"
	assert.Equal(t, record.Phase{Window: id, Part: record.Before}, window.Before())
	assert.Equal(t, record.Phase{Window: id, Part: record.During}, window.During())
	assert.Equal(t, record.Phase{Window: id, Part: record.After, Settle: time.Second}, window.After(time.Second))
}

// What is wrong is said before anything starts, all of it at once.
func TestScheduleValidate(t *testing.T) {
	const load = 4 * time.Second
	cut := CloseOnReuse{By: FIN}
	for name, test := range map[string]struct {
		schedule Schedule
		want     string // the whole message; empty for a valid schedule
	}{
		"no fault at all": {nil, ""},
		"valid": {Schedule{
			{For: time.Second, On: orders.Each(), Inject: cut},
			{From: time.Second, For: 3 * time.Second, On: orders.Replica(2), Inject: cut},
			{From: 2 * time.Second, On: orders.Replica(2), Inject: IdleTimeout{After: time.Second, By: FIN}},
			{For: load, On: orders.Replica(1), Inject: StaleWindow{After: time.Second, Held: time.Second}},
			{On: orders.Each(), Of: OfRequests(0.1), Inject: DelayResponse{For: time.Second}},
			{On: orders.Each(), Of: EveryRequest(3), Inject: ErrorStatus{Status: 503}},
			{When: Sent(10), Until: Arrived(20, orders.Replica(2)), On: orders.Replica(2), Inject: FailHealthChecks{Status: 500}},
		}, ""},
		"nothing to inject": {Schedule{{On: orders.Each()}}, "faults: window 1 injects nothing"},
		"no target":         {Schedule{{Inject: cut}}, "faults: close-on-reuse by FIN on : no target: set On to a replica or to each replica of a group"},
		"another group": {
			Schedule{{On: topology.Replicas("carts", 2).Replica(1), Inject: cut}},
			"faults: close-on-reuse by FIN on carts-1: unknown target carts-1: the scenario's backends are orders (2 replicas)",
		},
		"no such replica": {
			Schedule{{On: orders.Replica(3), Inject: cut}},
			"faults: close-on-reuse by FIN on orders-3: unknown replica orders-3: orders has 2",
		},
		"no end": {
			Schedule{{On: orders.Each(), Inject: CloseOnReuse{}}},
			"faults: close-on-reuse by no known end on orders: rule close-on-reuse by no known end: unknown end \"\" for reuse, want fin or rst",
		},
		"no end of a response": {
			Schedule{{On: orders.Each(), Inject: CloseBeforeResponse{}}},
			"faults: close-before-response by no known end on orders: close-before-response by no known end: want FIN or RST",
		},
		"no end in a body": {
			Schedule{{On: orders.Each(), Inject: CloseInBody{By: "hang"}}},
			"faults: close-in-body by no known end on orders: close-in-body by no known end: want FIN or RST",
		},
		"no delay": {
			Schedule{{On: orders.Each(), Inject: DelayResponse{}}}, "faults: delay of 0s on orders: delay of 0s: want a positive time",
		},
		"no error": {
			Schedule{{On: orders.Each(), Inject: ErrorStatus{Status: 200}}}, "faults: status 200 on orders: status 200: want 400 to 599",
		},
		"no idle time": {
			Schedule{{On: orders.Each(), Inject: IdleTimeout{By: FIN}}},
			"faults: idle timeout of 0s by FIN on orders: rule idle timeout of 0s by FIN: idle time 0s, want a positive one",
		},
		"held for a part of a millisecond": {
			Schedule{{On: orders.Each(), Inject: StaleWindow{After: time.Second, Held: 1500 * time.Microsecond}}},
			"faults: stale window of 1.5ms after 1s idle on orders: stale window of 1.5ms after 1s idle: want the FIN held back for whole milliseconds",
		},
		"not held": {
			Schedule{{On: orders.Each(), Inject: StaleWindow{After: time.Second}}},
			"faults: stale window of 0s after 1s idle on orders: stale window of 0s after 1s idle: want the FIN held back for whole milliseconds",
		},
		"before the load": {
			Schedule{{From: -1, On: orders.Each(), Inject: cut}},
			"faults: close-on-reuse by FIN on orders: from -1ns for 0s does not lie within the load of 4s",
		},
		"as the load ends": {
			Schedule{{From: load, On: orders.Each(), Inject: cut}},
			"faults: close-on-reuse by FIN on orders from 4s: from 4s for 0s does not lie within the load of 4s",
		},
		"longer than the load": {
			Schedule{{From: time.Second, For: load, On: orders.Each(), Inject: cut}},
			"faults: close-on-reuse by FIN on orders from 1s: from 1s for 4s does not lie within the load of 4s",
		},
		"of negative length": {
			Schedule{{For: -1, On: orders.Each(), Inject: cut}},
			"faults: close-on-reuse by FIN on orders: from 0s for -1ns does not lie within the load of 4s",
		},
		"twice": {
			Schedule{{For: 1, On: orders.Each(), Inject: cut}, {For: 2, On: orders.Each(), Inject: cut}},
			"faults: close-on-reuse by FIN on orders: the same window twice",
		},
		"contradiction": {
			Schedule{
				{From: time.Second, For: time.Second, On: orders.Each(), Inject: ErrorStatus{Status: 503}},
				{From: 1900 * time.Millisecond, On: orders.Replica(2), Of: OfRequests(0.5), Inject: DelayResponse{For: 1}},
			},
			"faults: delay of 1ns on orders-2, 50 % of requests from 1.9s contradicts status 503 on orders from 1s: " +
				"both take hold of the requests at the same time",
		},
		"contradiction by event": {
			Schedule{
				{When: Sent(3), On: orders.Replica(1), Inject: RefuseConnections{}},
				{When: Sent(3), On: orders.Replica(1), Inject: FillAcceptQueue{}},
			},
			"faults: full accept queue on orders-1 from request 3 contradicts refused connections on orders-1 from request 3: " +
				"both take hold of the new connections at the same time",
		},
		"share of nothing": {
			Schedule{{On: orders.Each(), Of: OfRequests(0), Inject: ErrorStatus{Status: 503}}},
			"faults: status 503 on orders, 0 % of requests: victims: a share of 0, want more than 0 and at most 1",
		},
		"more than all": {
			Schedule{{On: orders.Each(), Of: OfConnections(1.5), Inject: ErrorStatus{Status: 503}}},
			"faults: status 503 on orders, 150 % of connections: victims: a share of 1.5, want more than 0 and at most 1",
		},
		"victims that cannot be chosen": {
			Schedule{{On: orders.Each(), Of: EveryRequest(2), Inject: RefuseConnections{}}},
			"faults: refused connections on orders, every 2. request: it cannot choose every 2. request: it touches whatever is there",
		},
		"on the wrong party": {
			Schedule{{On: topology.Gateway, Inject: cut}},
			"faults: close-on-reuse by FIN on gateway: it acts on a replica, not on the gateway",
		},
		"events that never come": {
			Schedule{{When: Sent(101), Until: Arrived(0, orders.Replica(3)), On: orders.Each(), Inject: cut}},
			"faults: close-on-reuse by FIN on orders from request 101: request 101: the load sends 100\n" +
				"faults: close-on-reuse by FIN on orders from request 101: arrival 0 at orders-3: want 1 or more",
		},
		"an event at an unknown replica": {
			Schedule{{When: Arrived(1, orders.Replica(3)), On: orders.Each(), Inject: cut}},
			"faults: close-on-reuse by FIN on orders from arrival 1 at orders-3: unknown replica orders-3: orders has 2",
		},
		"two ends": {
			Schedule{{For: 1, Until: Sent(9), On: orders.Each(), Inject: cut}},
			"faults: close-on-reuse by FIN on orders: it ends both after a time and with an event: set For or Until",
		},
		"everything at once": {
			Schedule{{}, {From: 5 * time.Second, On: orders.Replica(9), Inject: IdleTimeout{}}},
			"faults: window 1 injects nothing\n" +
				"faults: idle timeout of 0s by no known end on orders-9 from 5s: rule idle timeout of 0s by no known end: unknown end \"\" for idle, want fin or rst\n" +
				"rule idle timeout of 0s by no known end: idle time 0s, want a positive one\n" +
				"faults: idle timeout of 0s by no known end on orders-9 from 5s: unknown replica orders-9: orders has 2\n" +
				"faults: idle timeout of 0s by no known end on orders-9 from 5s: from 5s for 0s does not lie within the load of 4s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.schedule.Validate(orders, load, 100)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.want)
		})
	}
}

// The same seed prints the same schedule, byte for byte, and another seed another one, before anything has started.
func TestPrint(t *testing.T) {
	schedule := Schedule{
		{On: orders.Each(), Inject: CloseOnReuse{By: FIN}},
		{From: time.Second, For: time.Second, On: orders.Each(), Of: OfRequests(0.1), Inject: ErrorStatus{Status: 503}},
		{When: Sent(10), From: time.Second, Until: Arrived(20, orders.Replica(2)), On: orders.Replica(2), Inject: HangResponse{}},
	}
	print := func(seed uint64) string {
		var b strings.Builder
		require.NoError(t, schedule.Print(&b, seed))
		return b.String()
	}
	first := print(1)
	assert.Equal(t, `fault  close-on-reuse by FIN on orders, until the end of the load
fault  status 503 on orders, 10 % of requests from 1s, until 1s later, victims drawn from b34aa34a1a114668, b34aa64a1a114b81
fault  hang before the response on orders-2 from 1s after request 10, until arrival 20 at orders-2
`, first)
	for range 3 {
		assert.Equal(t, first, print(1))
	}
	assert.NotEqual(t, print(1), print(2))
}

// Only a fault that acts on the link needs one; every other replica is reached directly.
func TestLinks(t *testing.T) {
	stale, cut := StaleWindow{After: 1, Held: time.Second}, CloseOnReuse{By: FIN}
	for name, test := range map[string]struct {
		schedule Schedule
		want     []topology.Replica
	}{
		"none":           {nil, nil},
		"on the backend": {Schedule{{On: orders.Each(), Inject: cut}}, nil},
		"on one link":    {Schedule{{On: orders.Each(), Inject: cut}, {On: orders.Replica(2), Inject: stale}}, []topology.Replica{replica(2)}},
		"on each link":   {Schedule{{On: orders.Each(), Inject: stale}}, []topology.Replica{replica(1), replica(2)}},
		"each link once": {
			Schedule{{On: orders.Replica(2), Inject: stale}, {From: 1, On: orders.Each(), Inject: stale}},
			[]topology.Replica{replica(2), replica(1)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, test.schedule.Links())
		})
	}
}
