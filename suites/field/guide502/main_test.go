// Package guide502 is a general guide to 502s: load peaks, dead nodes, slow third parties, and what it recommends for each
// (catalogue 4.3).
package guide502

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/suites/field/models"
)

func TestMain(m *testing.M) { harness.Main(m) }

// Scenario 2, "occasional 502, refresh works": one of two nodes is dead, and the gateway asks both for their health.
func TestHealthChecks(t *testing.T) {
	t.Parallel()
	nodes := topology.Replicas("nodes", 2)
	harness.Try(t, harness.Experiment{
		Fix: "X18: health checks, where one of two nodes is dead",
		Found: harness.Scenario{
			Backends: nodes,
			Policy:   topology.Policy{UpstreamKeepAlive: topology.Off},
			Load:     load.Constant{Rate: 25, For: 4 * time.Second, Request: load.GET("/orders")},
			Faults:   fault.Schedule{models.Dead(nodes.Replica(1))},
		},
		Change: func(s *harness.Scenario) {
			s.Policy.ActiveHealth = topology.ActiveHealth{Path: "/__ready", Interval: 200 * time.Millisecond}
		},
		Finds: map[string]expect.Finding{
			"caddy@2.11":   expect.Partly,
			"haproxy@3.2":  expect.Partly,
			"traefik@2.11": expect.Partly,
			"traefik@3.6":  expect.Partly,
		},
	})
}

// peak is a service that serves 10 requests a second, of which 50 come, behind a gateway that waits a second.
func peak() harness.Scenario {
	nodes := topology.Replicas("nodes", 1)
	return harness.Scenario{
		Backends: nodes,
		Policy:   topology.Policy{ResponseTimeout: time.Second},
		Load:     load.Constant{Rate: 50, For: 5 * time.Second, Request: load.GET("/orders"), Timeout: 5 * time.Second},
		Faults:   fault.Schedule{models.Saturated(nodes.Each(), 100*time.Millisecond)},
	}
}

// Scenario 1, a peak. A limit turns requests away at once, and those that pass are served; nginx says 503 to the others, which
// counts as a failure. How many more are served than without it is what overload/TestGoodput promises.
func TestRateLimitAtPeak(t *testing.T) {
	t.Parallel()
	harness.Try(t, harness.Experiment{
		Fix:    "X19: a rate limit under what the service can do, at a peak",
		Found:  peak(),
		Change: func(s *harness.Scenario) { s.Policy.RateLimit = 8 },
		Finds: map[string]expect.Finding{
			"haproxy@3.2":  expect.Proved,
			"nginx@1.30":   expect.Refuted,
			"traefik@2.11": expect.Proved,
			"traefik@3.6":  expect.Proved,
		},
	})
}

// The same with a longer timeout: everybody waits for longer in a line that does not get shorter.
func TestLongerTimeoutAtPeak(t *testing.T) {
	t.Parallel()
	harness.Try(t, harness.Experiment{
		Fix:    "X8: a timeout twice as long, at a peak",
		Found:  peak(),
		Change: func(s *harness.Scenario) { s.Policy.ResponseTimeout = 2 * time.Second },
		Finds: map[string]expect.Finding{
			"caddy@2.11":       expect.Refuted,
			"haproxy@3.2":      expect.Refuted,
			"httpd@2.4-trixie": expect.Refuted,
			"nginx@1.30":       expect.Refuted,
			"traefik@2.11":     expect.Refuted,
			"traefik@3.6":      expect.Refuted,
		},
	})
}

// Scenario 4: a third party does not answer, and the gateway is given longer to wait for it.
func TestLongerTimeoutForThirdParty(t *testing.T) {
	t.Parallel()
	nodes := topology.Replicas("nodes", 2)
	harness.Try(t, harness.Experiment{
		Fix: "X20: a timeout twice as long, where a third party does not answer",
		Found: harness.Scenario{
			Backends: nodes,
			Policy:   topology.Policy{ResponseTimeout: time.Second},
			Load:     load.Poisson{Rate: 20, For: 2 * time.Second, Request: load.GET("/orders")},
			Faults:   fault.Schedule{{On: nodes.Each(), Inject: fault.HangResponse{}}},
		},
		Change: func(s *harness.Scenario) { s.Policy.ResponseTimeout = 2 * time.Second },
		Finds: map[string]expect.Finding{
			"caddy@2.11":       expect.Refuted,
			"haproxy@3.2":      expect.Refuted,
			"httpd@2.4-trixie": expect.Refuted,
			"nginx@1.30":       expect.Refuted,
			"traefik@2.11":     expect.Refuted,
			"traefik@3.6":      expect.Refuted,
		},
	})
}

// "Retry": the first attempt of a POST on each of two nodes ends after its work was done. Retries hide it, and do it again.
func TestRetriedPosts(t *testing.T) {
	t.Parallel()
	nodes := topology.Replicas("nodes", 2)
	executed := models.Terminated(nodes.Each())
	executed.Of = fault.FirstAttempts(1)
	harness.Try(t, harness.Experiment{
		Fix: "X22: retries of POSTs as well",
		Found: harness.Scenario{
			Backends: nodes,
			Load:     load.Closed{Connections: 2, Requests: 100, For: time.Minute, Request: load.POST("/orders")},
			Faults:   fault.Schedule{executed},
		},
		Change: func(s *harness.Scenario) {
			s.Policy.Retries, s.Policy.RetryOn, s.Policy.RetryNonIdempotent = 2, []topology.Cause{topology.OnReset}, topology.On
		},
		Finds: map[string]expect.Finding{
			"caddy@2.11":  expect.Harmful,
			"haproxy@3.2": expect.Harmful,
			"nginx@1.30":  expect.Refuted,
		},
	})
}
