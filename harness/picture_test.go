package harness

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// The load is drawn by how much is due, a window where it acts and where it may.
func TestPicture(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 3)
	hang := fault.HangResponse{At: fault.BeforeAnswer}
	s := Scenario{
		Backends: orders,
		Load: load.Together{
			{Load: load.Spike{Rate: 300, Peak: 900, At: 2 * time.Second, Width: time.Second, For: 6 * time.Second, Request: load.GET("/")}},
			{Name: "ramp", Load: load.Ramp{From: 10, To: 1000, For: 3 * time.Second, Request: load.GET("/")}},
			{Name: "users", Load: load.Closed{Connections: 2, For: 4500 * time.Millisecond, Request: load.GET("/")}},
		},
		Faults: fault.Schedule{
			{On: orders.Each(), Inject: hang},
			{From: time.Second, For: 2 * time.Second, On: orders.Replica(1), Inject: hang},
			{From: 5999 * time.Millisecond, For: time.Millisecond, On: orders.Replica(2), Inject: fault.LinkDown{}},
			{When: fault.Sent(5), From: 3 * time.Second, For: time.Second, On: orders.Replica(2), Inject: hang},
			{From: time.Second, Until: fault.Sent(9), On: orders.Replica(3), Inject: fault.LinkLatency{Latency: time.Second}},
		},
	}
	assert.Equal(t, `       0s             1.5s           3s             4.5s          6s
       +--------------+--------------+--------------+--------------+
       ....................==========..............................   load
       ..........----------==========                                 load ramp
       =============================================                  load users
       ############################################################   hang before the response on orders
                 ####################                                 hang before the response on orders-1 from 1s
                                                                  #   link down on orders-2 from 5.999s
                                     ??????????????????????????????   hang before the response on orders-2 from 3s after request 5
                 #?????????????????????????????????????????????????   link latency of 1s on orders-3 from 1s
`, s.picture(1))
	assert.Equal(t, `       client ----- gateway --+-- orders-1
                              +-- Toxiproxy -- orders-2
                              +-- Toxiproxy -- orders-3
`, s.sketch())
}

// A gateway in front is a part of the way, and its policy of what is given.
func TestPictureOfAFront(t *testing.T) {
	t.Parallel()
	s := Scenario{
		Backends: topology.Replicas("orders", 2), Front: &topology.Front{Policy: topology.Policy{Retries: 2}},
		Load: load.Constant{Rate: 1, For: time.Second, Request: load.GET("/")},
	}
	text, err := s.schedule("retries/TestLayers", 1, 0)
	require.NoError(t, err)
	assert.Contains(t, text, `
given  orders x 2, policy: the gateway's own defaults
front  policy: at most 2 retries
       client ----- front ----- gateway --+-- orders-1
                                          +-- orders-2
load   GET / at 1/s for 1s
`)
}

// Any length has its quarters, the last of them at the right edge.
func TestAxis(t *testing.T) {
	t.Parallel()
	for lasts, want := range map[time.Duration]string{
		time.Minute:            "       0s             15s            30s            45s         1m0s\n",
		10 * time.Second:       "       0s             2.5s           5s             7.5s         10s\n",
		333 * time.Millisecond: "       0s             83.25ms        166.5ms        249.75ms   333ms\n",
	} {
		assert.Equal(t, want+"       +--------------+--------------+--------------+--------------+\n", axis(lasts))
	}
}
