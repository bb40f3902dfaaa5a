package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

func TestCommandLine(t *testing.T) {
	saved := func(ruling expect.Ruling) string {
		dir := filepath.Join(t.TempDir(), "run")
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, reports.Save(reports.Result{Scenario: "a/TestB", Gateway: "nginx@1.30", Ruling: ruling, Dir: dir}))
		return dir
	}
	empty := t.TempDir()
	killed := filepath.Join(t.TempDir(), "run")
	running, err := record.Begin(killed)
	require.NoError(t, err)
	running.Saw(record.Request{Outcome: record.Complete, Status: 502, Done: 1500 * time.Millisecond})
	require.NoError(t, running.Close())
	for name, c := range map[string]struct {
		args        []string
		code        int
		out, errOut string
	}{
		"nothing":              {nil, exitUsage, "", "Usage:"},
		"help":                 {[]string{"--help"}, exitOK, "clean       remove containers", ""},
		"report, green":        {[]string{"report", saved(expect.Known)}, exitOK, "a/TestB", ""},
		"report, red":          {[]string{"report", saved(expect.Fail)}, exitFailed, "1 fail", ""},
		"report, inconclusive": {[]string{"report", saved(expect.Inconclusive)}, exitInconclusive, "1 inconclusive", ""},
		"report, error":        {[]string{"report", saved(expect.Error)}, exitHarness, "1 error", ""},
		"matrix of nothing":    {[]string{"matrix", empty, "a/TestB"}, exitHarness, "", "badgateway: " + empty + ": no results here\n"},
		"report, killed":       {[]string{"report", killed}, exitHarness, killed + ": the run was broken off: 1 requests can be read, 1 of them failed, the last ended at 1.500 s\n", "no results here"},
		"report of nothing":    {[]string{"report", empty}, exitHarness, "", "badgateway: " + empty + ": no results here\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errOut strings.Builder
			assert.Equal(t, c.code, run(t.Context(), c.args, &out, &errOut))
			assert.Contains(t, out.String(), c.out)
			assert.Contains(t, errOut.String(), c.errOut)
		})
	}
}

func TestCleanWithoutAnEngine(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
	var out, errOut strings.Builder
	assert.Equal(t, exitOK, run(t.Context(), []string{"clean"}, &out, &errOut))
	assert.Contains(t, out.String(), "nothing to clean: no container engine")
	assert.Empty(t, errOut.String())
}
