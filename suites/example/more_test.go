package example

import (
	"context"
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// Every POST on a used connection is lost. Does it help to have no pool? It does wherever there is something to mend.
func TestWithoutPool(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	harness.Try(t, harness.Experiment{
		Fix: "no connections kept to backends",
		Found: harness.Scenario{
			Backends: orders,
			Load:     load.Constant{Rate: 50, For: 600 * time.Millisecond, Request: load.POST("/orders")},
			Faults:   fault.Schedule{{On: orders.Each(), Inject: fault.CloseOnReuse{By: fault.FIN}}},
		},
		Change: func(s *harness.Scenario) { s.Policy.UpstreamKeepAlive = topology.Off },
		Finds:  map[string]expect.Finding{"stdlib": expect.Proved},
	})
}

// An order is placed once: one request leads to one arrival, and its answer is that backend's.
func TestOrderIsPlacedOnce(t *testing.T) {
	t.Parallel()
	harness.Inspect(t, harness.Inspection{
		Backends: topology.Replicas("orders", 2),
		Promise:  "one POST is one arrival, and its answer is that backend's",
		Observe: func(ctx context.Context, b *harness.Bench) error {
			x, err := b.One(ctx, load.POST("/orders"))
			if err == nil && (x.Attempts() != 1 || !x.Answered()) {
				err = harness.Broken("%s from %q after %d attempts", x.Label(), x.Backend, x.Attempts())
			}
			return err
		},
	})
}
