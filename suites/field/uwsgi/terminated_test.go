package uwsgi

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

// php-fpm ends a worker after 5 s whose job takes 7 s, and nginx says 502. The report raises nginx's read timeout to 20 s,
// which was not what ran out: how long the worker lives is none of the gateway's business.
func TestLongerTimeoutForTerminatedWorkers(t *testing.T) {
	t.Parallel()
	reports := topology.Replicas("reports", 2)
	harness.Try(t, harness.Experiment{
		Fix: "X6: a read timeout of 20 s, where workers are terminated",
		Found: harness.Scenario{
			Backends: reports,
			Load:     load.Closed{Connections: 4, Requests: 100, For: time.Minute, Request: load.POST("/reports")},
			Faults:   fault.Schedule{models.Terminated(reports.Each())},
		},
		Change: func(s *harness.Scenario) { s.Policy.ResponseTimeout = 20 * time.Second },
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

// The load balancer of a small class lets 66 % of the requests through and answers the others with 503 itself: 1,322 of
// 2,000 came to Traefik. Here the gateway is the balancer, and Traefik is behind it: it lets 8 a second through of 25.
// Going past it is the fix, and the requests that were turned away were never seen behind it.
func TestPastTheLimiter(t *testing.T) {
	t.Parallel()
	harness.Try(t, harness.Experiment{
		Fix: "X9: past the balancer that limits the rate",
		Of:  expect.Unserved(record.Phase{}),
		Found: harness.Scenario{
			Backends: topology.Replicas("documents", 2),
			Policy:   topology.Policy{RateLimit: 8},
			Load:     load.Constant{Rate: 25, For: 4 * time.Second, Request: load.POST("/get_doc")},
		},
		Change: func(s *harness.Scenario) { s.Policy.RateLimit = 0 },
		Finds: map[string]expect.Finding{
			"haproxy@3.2":  expect.Proved,
			"nginx@1.30":   expect.Proved,
			"traefik@2.11": expect.Proved,
			"traefik@3.6":  expect.Proved,
		},
	})
}
