// Package apisix502 is a report of APISIX, where about one request in ten got a 502 and never reached its backend, until a
// patch of the source took the pool away (catalogue 4.4; apache/apisix#11571).
package apisix502

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

// asFound has a backend that gives unused connections up after 50 ms, and POSTs of which each comes a little before that or
// a little after it.
func asFound() harness.Scenario {
	pods := topology.Replicas("pods", 1)
	gaps := load.Sweep{To: 80 * time.Millisecond, Step: 2 * time.Millisecond}
	return harness.Scenario{
		Backends: pods,
		Policy:   topology.Policy{UpstreamKeepAlive: topology.On},
		Load:     load.PhaseLocked{Connections: 1, Gaps: gaps, For: 6 * time.Second, Request: load.POST("/orders")},
		Faults:   fault.Schedule{models.IdleAfter(pods.Each(), 50*time.Millisecond)},
	}
}

func try(t *testing.T, fix string, change func(*harness.Scenario), finds map[string]expect.Finding) {
	t.Helper()
	t.Parallel()
	harness.Try(t, harness.Experiment{Fix: fix, Found: asFound(), Change: change, Finds: finds})
}

// The patch.
func TestPatchedPool(t *testing.T) {
	try(t, "X15: no pool, as by the patch", func(s *harness.Scenario) { s.Policy.UpstreamKeepAlive = topology.Off }, map[string]expect.Finding{
		"caddy@2.11":       expect.Proved,
		"haproxy@3.2":      expect.Proved,
		"httpd@2.4-trixie": expect.Proved,
		"nginx@1.30":       expect.Proved,
		"traefik@2.11":     expect.Proved,
		"traefik@3.6":      expect.Proved,
	})
}

// What the configuration could have said: keepalive_pool.requests: 1.
func TestOneRequestPerConnection(t *testing.T) {
	try(t, "X15: one request per connection, as by configuration", func(s *harness.Scenario) { s.Policy.UpstreamRequests = 1 }, map[string]expect.Finding{
		"nginx@1.30": expect.Proved,
	})
}

// What it should have said.
func TestIdleTimeout(t *testing.T) {
	try(t, "X17: an idle timeout under the backend's", func(s *harness.Scenario) {
		s.Policy.UpstreamIdleTimeout = 10 * time.Millisecond
	}, map[string]expect.Finding{
		"caddy@2.11":   expect.Proved,
		"nginx@1.30":   expect.Proved,
		"traefik@2.11": expect.Proved,
		"traefik@3.6":  expect.Proved,
	})
}
