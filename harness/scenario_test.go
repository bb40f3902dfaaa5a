package harness_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// Everything that is wrong with a scenario is told before anything starts, all at once.
func TestWrongScenarios(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	cut := fault.Window{On: orders.Each(), Inject: fault.CloseOnReuse{By: fault.FIN}}
	for want, wrong := range map[string]func(*harness.Scenario){
		`backends: name "Orders!" must match`:     func(s *harness.Scenario) { s.Backends.Name = "Orders!" },
		"want whole milliseconds":                 func(s *harness.Scenario) { s.Policy.UpstreamIdleTimeout = time.Microsecond },
		"front: policy: 200 retries":              func(s *harness.Scenario) { s.Front = &topology.Front{Policy: topology.Policy{Retries: 200}} },
		"load: rate -1 per second":                func(s *harness.Scenario) { s.Load = load.Constant{Rate: -1} },
		"load: none":                              func(s *harness.Scenario) { s.Load = nil },
		"load: no request":                        func(s *harness.Scenario) { s.Load = load.Constant{Rate: 1, For: time.Second} },
		"faults: window 1 injects nothing":        func(s *harness.Scenario) { s.Faults[0].Inject = nil },
		"unknown replica orders-3: orders has 2":  func(s *harness.Scenario) { s.Faults[0].On = orders.Replica(3) },
		"does not lie within the load of 1s":      func(s *harness.Scenario) { s.Faults[0].From, s.Faults[0].For = 1, math.MaxInt64 },
		"expect: nothing":                         func(s *harness.Scenario) { s.Expect = nil },
		"expect: entry 2 is nil":                  func(s *harness.Scenario) { s.Expect = append(s.Expect, nil) },
		"a bound of 5 can never be kept or never": func(s *harness.Scenario) { s.Expect[0] = expect.Failures(cut.During()).AtMost(5) },
		"looks: -1, want 0 to 10":                 func(s *harness.Scenario) { s.Looks = -1 },
		"looks: 11, want 0 to 10":                 func(s *harness.Scenario) { s.Looks = 11 },
		"looks: 2, but no promise can be undecided": func(s *harness.Scenario) {
			s.Looks, s.Expect = 2, expect.All{expect.Waive("hangs", "a test")}
		},
		"a bound of NaN can never be kept": func(s *harness.Scenario) { s.Expect[0] = expect.AttemptsPerRequest(cut.During()).AtMost(math.NaN()) },
		"during other: no such window": func(s *harness.Scenario) {
			s.Expect[0] = expect.Failures(record.Phase{Window: "other", Part: record.During}).None()
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := harness.Scenario{
				Backends: orders, Load: load.Constant{Rate: 10, For: time.Second, Request: load.GET("/")},
				Faults: fault.Schedule{cut}, Expect: expect.All{expect.Failures(cut.During()).None()},
			}
			require.NoError(t, s.Validate())
			wrong(&s)
			require.ErrorContains(t, s.Validate(), want)
		})
	}
	err := harness.Scenario{Load: load.Constant{}}.Validate()
	require.Error(t, err)
	assert.GreaterOrEqual(t, strings.Count(err.Error(), "\n"), 4, "all problems at once")
}
