package idleclose

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// The race of catalogue A1 as people meet it, with the defaults of their gateway and with the fix, for clients that keep
// their connections and clients that do not. The table in README.md is made of a run of it.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]topology.Policy{
		"default": {},
		"fixed":   {UpstreamKeepAlive: topology.On, UpstreamIdleTimeout: gatewayIdle},
	} {
		for use, connections := range map[string]load.Connections{"keepalive": load.KeepAlive, "perrequest": load.PerRequest} {
			for _, request := range []load.Request{load.GET("/orders"), load.POST("/orders")} {
				t.Run(request.Method+"-"+name+"-"+use, func(t *testing.T) {
					t.Parallel()
					orders := topology.Replicas("orders", 1)
					idle := fault.Window{On: orders.Each(), Inject: fault.CloseOnReuse{By: fault.FIN, Idle: backendIdle}}
					harness.Run(t, harness.Scenario{
						Backends: orders,
						Policy:   policy,
						Load:     load.Constant{Rate: 5, For: 10 * time.Second, Request: request, Connections: connections},
						Faults:   fault.Schedule{idle},
						Expect:   expect.All{expect.Failures(idle.During()).None()},
						Profile:  harness.Nightly, // TestRace has the same promises
					})
				})
			}
		}
	}
}
