// Package selftest turns the harness on itself: it plants defects into a gateway that is otherwise correct, and demands
// that each is caught by the promise that names it and by no other; that the correct gateway passes; and that a scenario
// whose fault does nothing is inconclusive, never green.
package selftest

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/reports"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// execute runs the scenario on the embedded gateway with a defect, or with none.
func execute(t *testing.T, s harness.Scenario, defect reverseproxy.Wrap, seed uint64) reports.Result {
	t.Helper()
	result, err := caseOf(t, s, defect, seed).Execute(t.Context())
	require.NoError(t, err)
	return result
}

func caseOf(t *testing.T, s harness.Scenario, defect reverseproxy.Wrap, seed uint64) harness.Case {
	t.Helper()
	folders, err := gateways.Shipped()
	require.NoError(t, err)
	stdlib := folders[slices.IndexFunc(folders, func(f *gateways.Folder) bool { return f.Name == "stdlib" })]
	return harness.Case{
		Name: "selftest/" + t.Name(), Scenario: s, Gateway: stdlib.Lines()[0], Seed: seed, ScheduleSeed: seed,
		Dir: filepath.Join(t.TempDir(), "facts"), Wrap: defect,
	}
}
