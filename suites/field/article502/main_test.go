// Package article502 is an article about 502s in general, with cases and a list of what to do about them (catalogue 4.5).
package article502

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/suites/field/models"
)

func TestMain(m *testing.M) { harness.Main(m) }

// steady sends 25 requests a second.
func steady(lasts time.Duration) load.Constant {
	return load.Constant{Rate: 25, For: lasts, Request: load.GET("/orders"), Timeout: 5 * time.Second}
}

// "Deploy at least three": one of one is dead, or one of three.
func TestThreeReplicas(t *testing.T) {
	t.Parallel()
	one := topology.Replicas("orders", 1)
	harness.Try(t, harness.Experiment{
		Fix: "X26: three replicas, where one is dead",
		Found: harness.Scenario{
			Backends: one,
			Policy:   topology.Policy{UpstreamKeepAlive: topology.Off},
			Load:     steady(3 * time.Second),
			Faults:   fault.Schedule{models.Dead(one.Replica(1))},
		},
		Change: func(s *harness.Scenario) {
			s.Backends = topology.Replicas("orders", 3)
			s.Faults = fault.Schedule{models.Dead(s.Backends.Replica(1))}
		},
		Finds: map[string]expect.Finding{
			"caddy@2.11":       expect.Partly,
			"haproxy@3.2":      expect.Partly,
			"httpd@2.4-trixie": expect.Proved,
			"nginx@1.30":       expect.Proved,
			"traefik@2.11":     expect.Partly,
			"traefik@3.6":      expect.Partly,
		},
	})
}

// "A circuit breaker of 500 ms": a backend that answers nothing costs its callers a timeout each, and with the breaker only
// the first few. What is counted is who has to wait.
func TestBreaker(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	harness.Try(t, harness.Experiment{
		Fix: "X25: a breaker, where nothing is answered: who waits for longer than half a second",
		Of:  expect.Slower(500*time.Millisecond, record.Phase{}),
		Found: harness.Scenario{
			Backends: orders,
			Policy:   topology.Policy{ResponseTimeout: time.Second},
			Load:     steady(4 * time.Second),
			Faults:   fault.Schedule{{On: orders.Each(), Inject: fault.HangResponse{}}},
		},
		Change: func(s *harness.Scenario) {
			s.Policy.PassiveHealth = topology.PassiveHealth{Failures: 3, Eject: 3 * time.Second}
		},
		Finds: map[string]expect.Finding{
			"caddy@2.11":  expect.Partly,
			"haproxy@3.2": expect.Partly,
			"nginx@1.30":  expect.Refuted,
			"traefik@3.6": expect.Partly,
		},
	})
}

// "Let the health check ask the database": it is away for a while, and the requests do not need it. As found the check asks
// it, as the article recommends, and the fix is to leave that out.
func TestShallowHealthCheck(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	harness.Try(t, harness.Experiment{
		Fix: "X27 undone: a health check that does not ask the database",
		Found: harness.Scenario{
			Backends: orders,
			Policy:   topology.Policy{ActiveHealth: topology.ActiveHealth{Path: "/__ready", Interval: 200 * time.Millisecond}},
			Load:     steady(4 * time.Second),
			Faults:   fault.Schedule{models.HealthAsksDatabase(orders.Each())},
		},
		Change: func(s *harness.Scenario) { s.Faults = nil },
		Finds: map[string]expect.Finding{
			"caddy@2.11":   expect.Proved,
			"haproxy@3.2":  expect.Proved,
			"traefik@2.11": expect.Proved,
			"traefik@3.6":  expect.Proved,
		},
	})
}
