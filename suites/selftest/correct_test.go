package selftest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/record"
)

// runs is how often the correct gateway must pass, one run after the other on the grounds in turn.
const runs = 50

// atOnce is how many of them run at the same time. They wait more than they work.
const atOnce = 4

// The correct gateway passes 50 times out of 50, each time with another seed.
func TestCorrectGatewayPasses(t *testing.T) {
	names := slices.Sorted(maps.Keys(grounds))
	var next atomic.Int64
	t.Run("all", func(t *testing.T) {
		for range atOnce {
			t.Run("runner", func(t *testing.T) {
				t.Parallel()
				for run := int(next.Add(1)); run <= runs; run = int(next.Add(1)) {
					name := names[run%len(names)]
					t.Run(fmt.Sprintf("%s with seed %d", name, run), func(t *testing.T) {
						g := grounds[name]
						result := execute(t, g.scenario(), g.correct.wrap(), uint64(run))
						for _, v := range result.Verdicts {
							assert.Equal(t, expect.Pass, v.Ruling, "%s: %s", v.Promise, v.Reason)
						}
						assert.Positive(t, result.Summary.Touched)
					})
				}
			})
		}
	})
}

// disabled is a fault whose injector does nothing.
type disabled struct{ fault.Fault }

func (disabled) Inject(context.Context, fault.Site, fault.Order) (fault.Active, error) {
	return disabled{}, nil
}
func (disabled) Lift(context.Context) error                      { return nil }
func (disabled) Receipt(context.Context) (record.Receipt, error) { return record.Receipt{}, nil }

// Nothing fails when nothing breaks, so a scenario that only looked at failures would be green.
func TestDisabledFaultIsInconclusive(t *testing.T) {
	for _, f := range []fault.Fault{
		cutOff, // what disables it is the same for every fault: an injector that does nothing
		fault.IdleTimeout{After: 1e6, By: fault.FIN},
		fault.CloseBeforeResponse{By: fault.RST},
		fault.DelayResponse{For: 1e6},
		fault.FailHealthChecks{Status: 503},
		fault.RefuseConnections{}, // whose receipt counts nothing even when it works
	} {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			result := execute(t, staleWith(disabled{f}), reverseproxy.Wrap{}, 42)
			assert.Equal(t, expect.Inconclusive, result.Ruling)
			require.NotEmpty(t, result.Verdicts)
			for _, v := range result.Verdicts {
				assert.Equal(t, expect.Inconclusive, v.Ruling, v.Promise)
				assert.Contains(t, v.Reason, "touched nothing")
			}
		})
	}
}
