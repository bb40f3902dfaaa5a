package reports_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/reports"
)

func TestExperiments(t *testing.T) {
	t.Parallel()
	result := func(scenario, gateway string, x expect.Experiment) reports.Result {
		return reports.Result{
			Scenario: scenario, Gateway: gateway, Detected: "1.2", Experiment: &x,
			Verdicts: []expect.Verdict{{Promise: "X1: the fix of " + scenario}},
		}
	}
	proved := expect.Experiment{
		Finding: expect.Proved, Metric: "failures", Less: 0.25, Low: 0.2, High: 0.3,
		Found: expect.Arm{K: 25, N: 100, Outcomes: map[string]int{"502": 20, "closed": 5}, Costs: expect.Costs{Connections: 0.5, Attempts: 1}},
		Fixed: expect.Arm{N: 100, Costs: expect.Costs{Connections: 1, Attempts: 1, Duplicates: 3, Tail: 3 * time.Millisecond}},
		Quiet: expect.Arm{N: 50}, Straight: expect.Arm{K: 1, N: 50},
	}
	var b strings.Builder
	require.NoError(t, reports.Experiments(&b, []reports.Result{
		result("field/b/TestOne", "nginx@1.26", expect.Experiment{Reason: "too few", Metric: "failures"}),
		result("field/b/TestOne", "nginx@1.9", proved),
		{Scenario: "idleclose/TestRace", Gateway: "nginx@1.9"},
		{Scenario: "field/b/TestOne", Gateway: "stdlib", NotRun: "too rare"},
		{Scenario: "field/b/TestOne", Gateway: "httpd@2.4", NotRun: "too rare"},
		result("field/a/TestTwo", "nginx@1.9", proved),
	}))
	const row = "| nginx@1.9 (1.2) | fix proved | 25 % (25 of 100): 502 x 20, closed x 5 | 0 % (0 of 100) | 20.0 to 30.0 points | " +
		"0.50 → 1.00 | 1.00 → 1.00 | 0 → 3 | none → 3ms | 0 % (0 of 50), 2.0 % (1 of 50) |"
	lines := strings.Split(b.String(), "\n")
	assert.Equal(t, []string{"## field/a", "", "### X1: the fix of field/a/TestTwo", "", "`field/a/TestTwo`, counted: failures", ""}, lines[:6])
	assert.Equal(t, []string{row, "", "## field/b", ""}, lines[8:12])
	assert.Equal(t, row, lines[len(lines)-5], "older versions first")
	assert.Equal(t, []string{"", "Not tried on httpd@2.4, stdlib: too rare.", ""}, lines[len(lines)-3:])
	assert.Contains(t, lines[len(lines)-4], "| nginx@1.26 (1.2) | undecided: too few | of nothing | of nothing |")
	b.Reset()
	require.NoError(t, reports.Table(&b, []reports.Result{result("field/a/TestTwo", "nginx@1.9", proved)}))
	assert.Contains(t, b.String(), "inconclusive: fix proved")
	assert.ErrorContains(t, reports.Experiments(&b, nil), "no results of experiments")
}
