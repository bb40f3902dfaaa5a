// Package selftest turns the harness on itself: it plants defects into a gateway that is otherwise correct, and demands
// that each is caught by the promise that names it and by no other; that the correct gateway passes; and that a scenario
// whose fault does nothing is inconclusive, never green.
package selftest

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/reports"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scenario has a promise for every defect that is planted. Every second or later request on a connection is executed and
// then cut off, so that a GET is tried again and a POST must not be.
func scenario(inject fault.Fault) harness.Scenario {
	orders := topology.Replicas("orders", 2)
	cut := fault.Window{On: orders.Each(), Inject: inject}
	get, post := expect.Method("GET"), expect.Method("POST")
	return harness.Scenario{
		Backends: orders,
		Load:     load.Constant{Rate: 200, For: 1500 * time.Millisecond, Request: load.Mix{load.GET("/orders"), load.POST("/orders")}},
		Faults:   fault.Schedule{cut},
		Expect: expect.All{
			expect.Failures(cut.During()).Where(get).None(),
			expect.AttemptsOver(1, cut.During()).Where(post).None(),
			expect.DuplicateExecutions(cut.During()).Where(post).None(),
			// A POST fails on a reused connection and leaves none behind; after anything else the next request finds one.
			// Half of the requests being POSTs, it finds one, and fails, in 2 cases of 3. The bound leaves that 4 standard
			// errors of room at the 150 POSTs sent here.
			expect.Failures(cut.During()).Where(post).AtMost(90 * expect.Percent),
		},
	}
}

var cutOff = fault.CloseOnReuse{By: fault.FIN, Executed: true}

func execute(t *testing.T, s harness.Scenario, defect reverseproxy.Wrap) reports.Result {
	t.Helper()
	folders, err := gateways.Shipped()
	require.NoError(t, err)
	stdlib := folders[slices.IndexFunc(folders, func(f *gateways.Folder) bool { return f.Name == "stdlib" })]
	c := harness.Case{
		Name: "selftest/" + t.Name(), Scenario: s, Gateway: stdlib.Lines()[0], Seed: 42, ScheduleSeed: 42,
		Dir: filepath.Join(t.TempDir(), "facts"), Wrap: defect,
	}
	result, err := c.Execute(t.Context())
	require.NoError(t, err)
	return result
}
