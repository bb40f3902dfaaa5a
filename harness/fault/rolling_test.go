package fault

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/topology"
)

func TestRolling(t *testing.T) {
	shops := topology.Replicas("shops", 3)
	got := Rolling(shops, time.Second, 2*time.Second, 500*time.Millisecond, Replace{})
	assert.Equal(t, Schedule{
		{From: time.Second, For: 500 * time.Millisecond, On: shops.Replica(1), Inject: Replace{}},
		{From: 3 * time.Second, For: 500 * time.Millisecond, On: shops.Replica(2), Inject: Replace{}},
		{From: 5 * time.Second, For: 500 * time.Millisecond, On: shops.Replica(3), Inject: Replace{}},
	}, got)
	require.NoError(t, got.Validate(shops, 10*time.Second, 100))
	assert.ElementsMatch(t, []Need{FixedAddress, List}, got.Needs())
	assert.Equal(t, shops.Members(), got.Successors(), "each has one while the load runs")
	assert.Empty(t, Schedule{{On: shops.Each(), Inject: Replace{}}, {From: 1, On: shops.Each(), Inject: Kill{}}}.Successors())
}

// Some faults need a replica for themselves: its process ends, or cannot be reached.
func TestAlone(t *testing.T) {
	shops := topology.Replicas("shops", 2)
	first, second := shops.Replica(1), shops.Replica(2)
	const at, lasts = 2 * time.Second, time.Second
	kill := Window{From: at, For: lasts, On: first, Inject: Kill{}}
	stop := Window{From: at, For: lasts, On: topology.Gateway, Inject: StopGateway{}}
	slow := DelayResponse{For: time.Millisecond}
	for name, test := range map[string]struct {
		alone, beside Window
		refused       bool
	}{
		"in the middle":        {kill, Window{From: at + 1, For: 1, On: first, Inject: slow}, true},
		"around":               {kill, Window{From: at - 1, For: 2 * lasts, On: first, Inject: slow}, true},
		"the whole load":       {kill, Window{On: shops.Each(), Inject: slow}, true},
		"right before":         {kill, Window{From: at - 1, For: 1, On: first, Inject: slow}, true},
		"right after":          {kill, Window{From: at + lasts, For: 1, On: first, Inject: slow}, true},
		"before":               {kill, Window{For: at - 1, On: first, Inject: slow}, false},
		"after":                {kill, Window{From: at + lasts + 1, For: 1, On: first, Inject: slow}, false},
		"on another":           {kill, Window{On: second, Inject: slow}, false},
		"on the gateway":       {kill, Window{From: at, For: lasts, On: topology.Gateway, Inject: ReloadGateway{}}, false},
		"a process, after":     {kill, Window{From: at + lasts, For: 1, On: first, Inject: Pause{}}, true},
		"reloads, right after": {stop, Window{From: at + lasts, For: 1, On: topology.Gateway, Inject: ReloadGateway{}}, true},
		"reloads, after":       {stop, Window{From: at + lasts + 1, For: 1, On: topology.Gateway, Inject: ReloadGateway{}}, false},
		"whole load, events": {
			Window{When: Arrived(3, first), Until: Sent(9), On: first, Inject: Kill{}}, Window{On: first, Inject: slow}, true,
		},
		"unknown times": {
			Window{When: Arrived(3, first), Until: Sent(9), On: first, Inject: Kill{}},
			Window{From: 1, For: 1, On: first, Inject: slow},
			false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range []Schedule{{test.alone, test.beside}, {test.beside, test.alone}} {
				err := s.Validate(shops, 10*time.Second, 100)
				if !test.refused {
					require.NoError(t, err)
					continue
				}
				require.EqualError(t, err, "faults: "+s[1].ID()+" cannot act beside "+s[0].ID()+", nor right before or after: "+
					"one of them ends the process there or puts it out of reach, and nothing that was asked of it outlives that")
			}
		})
	}
}
