package reports_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/reports"
)

func TestMatrix(t *testing.T) {
	t.Parallel()
	result := func(scenario, gateway string, s reports.Summary, ruling expect.Ruling, notRun string) reports.Result {
		return reports.Result{Scenario: scenario, Gateway: gateway, Detected: "v", Summary: s, Ruling: ruling, NotRun: notRun}
	}
	failed := reports.Summary{Requests: 50, Touched: 49, TouchedFailures: 40, Failures: 40, Outcomes: map[string]int{"200": 10, "502": 30, "closed": 10}}
	replayed := reports.Summary{Requests: 50, Touched: 49, Outcomes: map[string]int{"200": 50}}
	calm := reports.Summary{Requests: 50, Outcomes: map[string]int{"200": 50}}
	var out strings.Builder
	require.NoError(t, reports.Matrix(&out, []reports.Result{
		result("idle/TestA/POST", "nginx@1.26", failed, expect.Known, ""),
		result("idle/TestA/GET", "nginx@1.26", replayed, expect.Pass, ""),
		result("idle/TestA/GET", "nginx@1.9", calm, expect.Pass, ""),
		result("idle/TestA/POST", "nginx@1.9", reports.Summary{}, expect.Inconclusive, "not supported: the gateway has no [x]"),
		result("idle/TestA/GET", "envoy@1.35", reports.Summary{}, expect.Inconclusive, "no image"),
		result("idle/TestA/POST", "httpd", calm, expect.Inconclusive, ""),
		result("idle/TestB/POST", "httpd", calm, expect.Pass, ""),
	}, "idle/TestA"))
	assert.Equal(t, strings.Join([]string{
		"| gateway | version | GET | POST |",
		"|---|---|---|---|",
		"| envoy@1.35 | v | not run | - |",
		"| httpd | v | - | inconclusive |",
		"| nginx@1.9 | v | no race | not supported |",
		"| nginx@1.26 | v | 0 of 49 | 40 of 49: 502, closed |",
		"",
	}, "\n"), out.String())
	assert.EqualError(t, reports.Matrix(&out, nil, "idle/TestC"), "no results of idle/TestC here")
}
