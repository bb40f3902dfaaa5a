package fault

import (
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
			{On: orders.Each(), Inject: cut},
			{From: time.Second, For: 3 * time.Second, On: orders.Replica(2), Inject: cut},
			{From: 2 * time.Second, On: orders.Replica(2), Inject: IdleTimeout{After: time.Second, By: RST}},
			{For: load, On: orders.Replica(1), Inject: StaleWindow{After: time.Second, Held: time.Second}},
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
			err := test.schedule.Validate(orders, load)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.want)
		})
	}
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
