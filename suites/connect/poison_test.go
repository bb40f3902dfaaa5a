package connect

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// poisoned is one request that makes whichever backend it reaches drop the connection, sent at the very beginning, and
// beside it what everybody else sends.
func poisoned(orders topology.Group, lasts time.Duration) (load.Together, fault.Window) {
	others := serial(load.GET("/orders"))
	others.For = lasts
	poison := load.Constant{Rate: 1, For: time.Second, Request: load.GET("/poison"), Connections: load.PerRequest}
	return load.Together{{Load: others}, {Name: "poison", Load: poison}},
		fault.Window{For: 500 * time.Millisecond, On: orders.Each(), Of: fault.All().OfPath("/poison"), Inject: fault.CloseBeforeResponse{By: fault.FIN}}
}

// One request that no backend can answer is handed from one of three to the next, and each is counted as failed for it
// (catalogue B10; nginx/kubernetes-ingress#10191). Nobody else may notice: not by default, and not with one retry, after
// which one backend is left that the poison has not reached.
func TestPoison(t *testing.T) {
	for name, policy := range map[string]topology.Policy{"default": {}, "one-retry": {Retries: 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 3)
			sent, poison := poisoned(orders, 1500*time.Millisecond)
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   policy,
				Load:     sent,
				Faults:   fault.Schedule{poison},
				Expect:   expect.All{expect.Failures(always).Where(expect.Stream("")).None()},
			})
		})
	}
}

// Where passive health checks are asked for, one failure putting a backend aside for 1 s, the poison may put all aside, but
// not for longer (catalogue B10). It was sent before the window ended, so that the second ends at most that long after the
// window; half a second more is for a busy machine.
func TestPoisonWearsOff(t *testing.T) {
	orders := topology.Replicas("orders", 3)
	sent, poison := poisoned(orders, 3500*time.Millisecond)
	harness.Run(t, harness.Scenario{
		Backends: orders,
		Policy:   topology.Policy{Retries: 2, PassiveHealth: topology.PassiveHealth{Failures: 1, Eject: time.Second}},
		Load:     sent,
		Faults:   fault.Schedule{poison},
		Expect:   expect.All{expect.Recovery(poison.After(0)).Where(expect.Stream("")).Within(1500 * time.Millisecond)},
	})
}
