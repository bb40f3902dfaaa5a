package fault

import (
	"time"

	"github.com/badgateway/badgateway/harness/topology"
)

// Rolling is a fault that goes through the replicas of a group one after another, as a rollout does: on the first from one
// instant on, on the next one every so often, and on each for as long as it lasts. It is a Schedule like any other, to
// which more windows can be appended.
func Rolling(through topology.Group, from, every, lasts time.Duration, f Fault) Schedule {
	var s Schedule
	for i := range through.Count {
		s = append(s, Window{From: from + time.Duration(i)*every, For: lasts, On: through.Replica(i + 1), Inject: f})
	}
	return s
}
