package harness_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/stats"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/reports"
)

// stale has POSTs on connections that end as they are used again.
func stale() harness.Scenario {
	orders := topology.Replicas("orders", 1)
	return harness.Scenario{
		Backends: orders,
		Load:     load.Closed{Connections: 1, Requests: 60, For: time.Minute, Request: load.POST("/orders")},
		Faults:   fault.Schedule{{On: orders.Each(), Inject: fault.CloseOnReuse{By: fault.FIN}}},
	}
}

func withoutPool(s *harness.Scenario) { s.Policy.UpstreamKeepAlive = topology.Off }

// Everything that is wrong with an experiment is told before anything starts, all at once.
func TestWrongExperiments(t *testing.T) {
	t.Parallel()
	for want, wrong := range map[string]func(*harness.Experiment){
		"fix: in no words":                  func(e *harness.Experiment) { e.Fix = "" },
		"change: none":                      func(e *harness.Experiment) { e.Change = nil },
		"rounds: -1, want 0 to 10":          func(e *harness.Experiment) { e.Rounds = -1 },
		"looks: 7, want 0 to 6":             func(e *harness.Experiment) { e.Looks = 7 },
		"found: promises and looks are":     func(e *harness.Experiment) { e.Found.Looks = 2 },
		"found: load: none":                 func(e *harness.Experiment) { e.Found.Load = nil },
		"fixed: policy: 200 retries":        func(e *harness.Experiment) { e.Change = func(s *harness.Scenario) { s.Policy.Retries = 200 } },
		"fixed: expect: during close-on":    func(e *harness.Experiment) { e.Of, e.Change = during(e), func(s *harness.Scenario) { s.Faults = nil } },
		"no such window among the faults":   func(e *harness.Experiment) { e.Of = expect.Failures(record.Phase{Window: "x", Part: record.During}) },
		"fixed: backends: name \"Orders!\"": func(e *harness.Experiment) { e.Change = func(s *harness.Scenario) { s.Backends.Name = "Orders!" } },
	} {
		e := harness.Experiment{Fix: "no pool", Found: stale(), Change: withoutPool}
		require.NoError(t, e.Validate())
		wrong(&e)
		assert.ErrorContains(t, e.Validate(), want)
	}
}

func during(e *harness.Experiment) expect.Share { return expect.Failures(e.Found.Faults[0].During()) }

// stdlib is the embedded gateway.
func stdlib(t *testing.T) gateways.Gateway {
	t.Helper()
	folders, err := gateways.Shipped()
	require.NoError(t, err)
	return folders[slices.IndexFunc(folders, func(f *gateways.Folder) bool { return f.Name == "stdlib" })].Lines()[0]
}

// The whole way of an experiment through the embedded gateway: what fails as found, what is left of it with the fix, what
// the controls say, and the verdict against what is known.
func TestExperiment(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*harness.Scenario)
		finds  map[string]expect.Finding
		want   expect.Finding
		ruling expect.Ruling
	}{
		"proved, as is known":   {withoutPool, map[string]expect.Finding{"stdlib": expect.Proved}, expect.Proved, expect.Pass},
		"proved, as is not":     {withoutPool, map[string]expect.Finding{"stdlib": expect.Refuted}, expect.Proved, expect.Fail},
		"refuted, nothing said": {func(*harness.Scenario) {}, nil, expect.Refuted, expect.Pass},
		"undecided, nothing said": {
			func(s *harness.Scenario) {
				s.Load = load.Closed{Connections: 1, Requests: 1, For: time.Second, Request: load.POST("/orders")}
			},
			nil, expect.Undecided, expect.Inconclusive,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := harness.Experiment{Fix: "no pool", Found: stale(), Change: test.change, Finds: test.finds}
			c := harness.Case{Name: "field/" + t.Name(), Gateway: stdlib(t), Seed: 1, ScheduleSeed: 1, Dir: t.TempDir()}
			result, err := c.Try(t.Context(), e)
			require.NoError(t, err)
			x := result.Experiment
			assert.Equal(t, test.want, x.Finding, x)
			assert.Equal(t, test.ruling, result.Ruling, result.Verdicts)
			assert.Equal(t, 120, x.Found.N, "two rounds of sixty")
			assert.Equal(t, 60, x.Found.K, "every second one meets a stale connection")
			assert.Equal(t, expect.Arm{N: 60}, expect.Arm{K: x.Quiet.K, N: x.Quiet.N}, "nothing fails without the fault")
			assert.Equal(t, 30, x.Straight.K, "who goes straight there and reuses its connections meets the fault as well")
			assert.Equal(t, []string{"as found: stdlib.json", "with the fix: stdlib.json"}, []string{result.Config[0].Name, result.Config[1].Name})
			saved, err := reports.LoadAll(c.Dir)
			require.NoError(t, err)
			require.Len(t, saved, 1)
			assert.Equal(t, x.Finding, saved[0].Experiment.Finding)
			folders, err := os.ReadDir(c.Dir)
			require.NoError(t, err)
			var names []string
			for _, f := range folders {
				names = append(names, filepath.Base(f.Name()))
			}
			assert.Equal(t, "fixed-1 fixed-2 found-1 found-2 straight-at-the-backend-1 verdict.json without-faults-1", strings.Join(names, " "))
		})
	}
}

// An experiment is not run where it is said not to be, of all versions of a gateway or of one, and says why.
func TestExcept(t *testing.T) {
	t.Parallel()
	c := harness.Case{Name: "field/except", Gateway: stdlib(t)}
	for except, want := range map[string]string{"stdlib": "too rare", c.Gateway.String(): "too rare", "nginx": ""} {
		e := harness.Experiment{Found: stale(), Except: map[string]string{except: "too rare"}}
		assert.Equal(t, want, harness.ReasonNotToTry(c, e), except)
	}
}

// As long as the facts decide nothing, as many rounds again are run as there were; each look is as strict as its number asks for, and what
// was found is found again in the saved facts.
func TestLooksOfAnExperiment(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		requests, rounds int // of each arm
		want             expect.Finding
	}{
		"decided at the first look": {60, 1, expect.Proved},
		"decided at the second":     {6, 2, expect.Proved},
		"never decided":             {2, 4, expect.Undecided},
		"no rounds help":            {1, 1, expect.Undecided}, // the fault has nothing to act on
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := harness.Experiment{Fix: "no pool", Found: stale(), Change: withoutPool, Rounds: 1, Looks: 3}
			e.Found.Load = load.Closed{Connections: 1, Requests: test.requests, For: time.Minute, Request: load.POST("/orders")}
			c := harness.Case{Name: "field/" + t.Name(), Gateway: stdlib(t), Seed: 1, ScheduleSeed: 1, Dir: t.TempDir()}
			result, err := c.Try(t.Context(), e)
			require.NoError(t, err)
			assert.Equal(t, test.want, result.Experiment.Finding, result.Experiment)
			assert.Equal(t, test.requests*test.rounds, result.Experiment.Found.N)
			single := stats.Count{K: result.Experiment.Found.K, N: result.Experiment.Found.N}.Interval(stats.Confidence95)
			assert.Less(t, result.Experiment.Found.Low, single.Low+1e-9, "no look is less strict than a single one")
		})
	}
}
