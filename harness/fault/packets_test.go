package fault

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the faults of packets do is shown where there is a firewall: in the docker lab.

var packetFaults = []Fault{DropConnects{}, LosePackets{Every: 10}, ForgetConnections{}}

func TestPacketFaultsInASchedule(t *testing.T) {
	const load = 4 * time.Second
	for _, f := range packetFaults {
		require.NoError(t, Schedule{{On: orders.Each(), Inject: f}}.Validate(orders, load, 10))
		assert.Equal(t, []Need{Firewall}, Schedule{{On: orders.Each(), Inject: f}}.Needs())
		requireDirect(t, f)
		err := Schedule{{On: orders.Each(), Of: EveryConnection(2), Inject: f}}.Validate(orders, load, 10)
		require.ErrorContains(t, err, "it touches whatever is there")
	}
	err := Schedule{{On: orders.Each(), Inject: packetFaults[0]}, {On: orders.Replica(1), Inject: packetFaults[2]}}.Validate(orders, load, 10)
	require.ErrorContains(t, err, "both take hold of the packets at the same time")
	err = Schedule{{On: orders.Each(), Inject: LosePackets{Every: 1}}}.Validate(orders, load, 10)
	require.ErrorContains(t, err, "every 1, want 2 or more for some packets")
}

// A backend inside this process has no firewall of its own, and leaves this machine's alone.
func TestPacketFaultsAreRefusedInProcess(t *testing.T) {
	w := startBackends(t)
	for _, f := range packetFaults {
		_, err := f.Inject(t.Context(), w.site(replica(1)), Order{ID: f.String()})
		require.ErrorContains(t, err, "this backend must leave the firewall alone")
		reused(t, w, replica(1))
	}
}
