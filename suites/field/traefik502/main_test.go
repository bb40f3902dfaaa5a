// Package traefik502 is a report of Traefik on Kubernetes, where 0.001 % of the requests got a 502, and "client disconnected"
// and "context canceled" stood in the log (catalogue 4.1; traefik/traefik#11538). What was suggested is tried one by one.
package traefik502

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

func try(t *testing.T, fix string, found harness.Scenario, change func(*harness.Scenario), finds map[string]expect.Finding) {
	t.Helper()
	t.Parallel()
	harness.Try(t, harness.Experiment{Fix: fix, Found: found, Change: change, Finds: finds})
}

// idle has backends that give connections up when they were unused for 50 ms, where the gateway keeps them for longer, and
// requests that come on each connection 60 to 80 ms after the answer before. Real timeouts are 5 s and a minute: it is their
// order that matters.
func idle(what load.Source) harness.Scenario {
	pods := topology.Replicas("pods", 1)
	gaps := load.Sweep{From: 60 * time.Millisecond, To: 80 * time.Millisecond, Step: time.Millisecond}
	return harness.Scenario{
		Backends: pods,
		Policy:   topology.Policy{UpstreamKeepAlive: topology.On},
		Load:     load.PhaseLocked{Connections: 1, Gaps: gaps, For: 5 * time.Second, Request: what},
		Faults:   fault.Schedule{models.IdleAfter(pods.Each(), 50*time.Millisecond)},
	}
}

// The gateway gives unused connections up before the backend does: the pool is kept, and with it most of what it is for.
func TestAlignedIdleTimeouts(t *testing.T) {
	try(t, "X10: the gateway's idle timeout under the backend's", idle(load.POST("/orders")),
		func(s *harness.Scenario) { s.Policy.UpstreamIdleTimeout = 10 * time.Millisecond }, map[string]expect.Finding{
			"caddy@2.11":   expect.Proved,
			"nginx@1.30":   expect.Proved,
			"traefik@2.11": expect.Proved,
			"traefik@3.6":  expect.Proved,
		})
}

// Without a pool nothing is stale, and each request pays for a connection.
func TestPoolOff(t *testing.T) {
	try(t, "X10: no pool", idle(load.POST("/orders")),
		func(s *harness.Scenario) { s.Policy.UpstreamKeepAlive = topology.Off }, map[string]expect.Finding{
			"caddy@2.11":       expect.Proved,
			"haproxy@3.2":      expect.Proved,
			"httpd@2.4-trixie": expect.Proved,
			"nginx@1.30":       expect.Proved,
			"traefik@2.11":     expect.Proved,
			"traefik@3.6":      expect.Proved,
		})
}

// Retries, for GETs and for POSTs. A GET on a stale connection is sent again anyway, but by HAProxy and httpd; a POST may have
// been executed, and no retry that is merely asked for sends it again.
func TestRetries(t *testing.T) {
	const no, none = expect.Refuted, expect.NotShown
	finds := map[string]map[string]expect.Finding{
		"GET":  {"caddy@2.11": none, "haproxy@3.2": no, "httpd@2.4-trixie": no, "nginx@1.30": none, "traefik@2.11": none, "traefik@3.6": none},
		"POST": {"caddy@2.11": no, "haproxy@3.2": no, "httpd@2.4-trixie": no, "nginx@1.30": no, "traefik@2.11": no, "traefik@3.6": no},
	}
	for _, request := range []load.Request{load.GET("/orders"), load.POST("/orders")} {
		t.Run(request.Method, func(t *testing.T) {
			found := idle(request)
			try(t, "X3: two retries of "+request.Method, found, func(s *harness.Scenario) { s.Policy.Retries = 2 }, finds[request.Method])
		})
	}
}

// slow has requests that take 1.3 times the gateway's timeout: 7 to 8 s where it waits for 6 s.
func slow() harness.Scenario {
	pods := topology.Replicas("pods", 2)
	return harness.Scenario{
		Backends: pods,
		Policy:   topology.Policy{ResponseTimeout: time.Second},
		Load:     load.Poisson{Rate: 20, For: 2 * time.Second, Request: load.POST("/orders")},
		Faults:   fault.Schedule{models.SlowThirdParty(pods.Each(), 1300*time.Millisecond)},
	}
}

// The timeout is raised over what the requests take, from 6 s to 10 s in the report.
func TestLongerResponseTimeout(t *testing.T) {
	try(t, "X11: a response timeout over what requests take", slow(),
		func(s *harness.Scenario) { s.Policy.ResponseTimeout = 2 * time.Second }, map[string]expect.Finding{
			"caddy@2.11":       expect.Proved,
			"haproxy@3.2":      expect.Proved,
			"httpd@2.4-trixie": expect.Proved,
			"nginx@1.30":       expect.Proved,
			"traefik@2.11":     expect.Proved,
			"traefik@3.6":      expect.Proved,
		})
}

// Everything fails, and retries are asked for: what they add is load.
func TestRetriesUnderTotalFailure(t *testing.T) {
	pods := topology.Replicas("pods", 3)
	found := harness.Scenario{
		Backends: pods,
		Load:     load.Poisson{Rate: 20, For: 2 * time.Second, Request: load.GET("/orders")},
		Faults:   fault.Schedule{{On: pods.Each(), Inject: fault.CloseBeforeResponse{By: fault.RST}}},
	}
	try(t, "X14: two retries while everything fails", found, func(s *harness.Scenario) {
		s.Policy.Retries, s.Policy.RetryOn = 2, []topology.Cause{topology.OnReset}
	}, map[string]expect.Finding{
		"caddy@2.11":  expect.Refuted,
		"haproxy@3.2": expect.Refuted,
		"nginx@1.30":  expect.Refuted,
	})
}
