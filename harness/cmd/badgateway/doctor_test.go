package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/lab"
)

func TestFindings(t *testing.T) {
	no := errors.New("no such host")
	docker := lab.Condition{Name: "Docker 29.1.0", API: "1.52", Host: "unix:///s", Reach: "container address", Direct: true, Images: "/images"}
	changed := func(change func(*lab.Condition)) lab.Condition {
		c := docker
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		got        finding
		level      level
		said, mend string
	}{
		"engine":            {engine(docker), ok, "Docker 29.1.0, API 1.52, at unix:///s, on this machine", ""},
		"oldest engine":     {engine(changed(func(c *lab.Condition) { c.API = "1.41" })), ok, "API 1.41", ""},
		"too old an engine": {engine(changed(func(c *lab.Condition) { c.API = "1.40" })), warn, "API 1.40", "nothing older than API 1.41"},
		"direct":            {reach(docker), ok, "by container address", ""},
		"published":         {reach(lab.Condition{Reach: "published port"}), warn, "by published port", "Linux host"},
		"no bridge":         {reach(lab.Condition{}), ok, "not known", ""},
		"disk":              {disk(docker, 5e9, nil), ok, "5.0 GB free in /images", ""},
		"little disk":       {disk(docker, 5e9-1, nil), warn, "5.0 GB free", "docker image prune"},
		"disk elsewhere":    {disk(docker, 0, os.ErrNotExist), ok, "/images cannot be seen from here", ""},
		"nothing left":      {leftovers(docker), ok, "0 containers", ""},
		"living":            {leftovers(lab.Condition{Living: 3}), ok, "3 of living", ""},
		"left":              {leftovers(lab.Condition{Dead: 2}), warn, "2 containers and networks of dead runs", "badgateway clean"},
		"registry":          {registry(nil), ok, "answers", ""},
		"no registry":       {registry(no), warn, "not reachable, images will be built: no such host", "mirror"},
		"silent registry":   {registry(context.DeadlineExceeded), warn, "no answer within 5s", "mirror"},
		"clock":             {clock(50 * time.Millisecond), ok, "the worst woke 50ms late", ""},
		"late clock":        {clock(51 * time.Millisecond), warn, "51ms", "scenarios may end inconclusive"},
		"go":                {toolchain("go1.26", nil), ok, "go1.26", ""},
		"newer go":          {toolchain("go1.27.1", nil), ok, "go1.27.1", ""},
		"development go":    {toolchain("devel go1.27-abc", nil), ok, "devel", ""},
		"old go":            {toolchain("go1.25.9", nil), fail, "go1.25.9", "install Go 1.26 or newer"},
		"no go":             {toolchain("", errors.New("go is not installed")), fail, "go is not installed", "https://go.dev/dl"},
		"processors":        {processors(2), ok, "2", ""},
		"one processor":     {processors(1), warn, "1", "with fewer than 2"},
		"writable":          {writable("runs", nil), ok, "runs can be written", ""},
		"not writable":      {writable("runs", no), fail, "no such host", "BADGATEWAY_OUT"},
		"mmdebstrap":        {mmdebstrap("/bin/mmdebstrap", nil), ok, "/bin/mmdebstrap", ""},
		"no mmdebstrap":     {mmdebstrap("", no), warn, "not installed", "apt-get install mmdebstrap"},
		"mirror":            {mirror("http://m", true, nil), ok, "http://m answers", ""},
		"mirror not asked":  {mirror("./file", false, nil), ok, "not asked", ""},
		"no mirror":         {mirror("http://m", true, no), warn, "http://m: no such host", "BADGATEWAY_DEBIAN_MIRROR"},
		"modules":           {modules(nil), ok, "can be fetched", ""},
		"no modules":        {modules(no), warn, "no such host", "GOPROXY"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.level, c.got.level)
			assert.Contains(t, c.got.said, c.said)
			assert.Contains(t, c.got.mend, c.mend)
			assert.Equal(t, c.level == ok, c.got.mend == "", "what is not ok, and that alone, is to be mended")
		})
	}
}

func TestDiagnosis(t *testing.T) {
	var out strings.Builder
	require.NoError(t, diagnosis(&out, []finding{
		fine("CPUs", "2"), {warn, engineLine, "no container engine:\n  not there", ""}, {warn, "leftovers", "2", "badgateway clean"},
	}))
	assert.Equal(t, `ok    CPUs              2
warn  container engine  no container engine: not there
warn  leftovers         2 -> badgateway clean

1 ok, 2 warn, 0 fail: scenarios run on the embedded gateway only
`, out.String())
	assert.Contains(t, conclusion([]finding{fine(engineLine, "")}), "1 ok, 0 warn, 0 fail: scenarios run on every gateway that")
	assert.Contains(t, conclusion([]finding{{level: fail}}), "1 fail: no scenario runs here until")
}

func TestChecksReportInOrder(t *testing.T) {
	released := make(chan struct{})
	found := runChecks(t.Context(), []check{
		func(context.Context) []finding { <-released; return []finding{fine("first", "")} },
		func(context.Context) []finding { close(released); return nil },
		func(context.Context) []finding { return []finding{fine("last", "")} },
	})
	assert.Equal(t, []finding{fine("first", ""), fine("last", "")}, found)
}

// Without an engine, a network or tools to build with, the embedded gateway is what remains.
func TestDoctorOnABareMachine(t *testing.T) {
	t.Setenv("DOCKER_HOST", noEngine)
	t.Setenv("GOPROXY", "off")
	t.Setenv("BADGATEWAY_DEBIAN_MIRROR", "http://127.0.0.1:1/debian")
	t.Setenv("BADGATEWAY_OUT", filepath.Join(t.TempDir(), "not", "yet"))
	var out, errOut strings.Builder
	assert.Equal(t, exitOK, run(t.Context(), []string{"doctor"}, &out, &errOut))
	for _, line := range []string{
		`ok +Go toolchain +go`, `ok +run folder +/`, `warn +container engine +no container engine`, `warn +Debian mirror +http://127.0.0.1:1`,
		`warn +Go modules +no image can be built from a Go module: .*GOPROXY=off`,
	} {
		assert.Regexp(t, `(?m)^`+line, out.String())
	}
	assert.Contains(t, out.String(), "0 fail: scenarios run on the embedded gateway only\n")
	assert.NotContains(t, out.String(), "registry ")
}

func TestDoctorFailsWithoutGo(t *testing.T) {
	t.Setenv("DOCKER_HOST", noEngine)
	t.Setenv("BADGATEWAY_DEBIAN_MIRROR", "./none")
	t.Setenv("BADGATEWAY_OUT", "/dev/null/runs")
	t.Setenv("PATH", t.TempDir())
	var out, errOut strings.Builder
	assert.Equal(t, exitFailed, run(t.Context(), []string{"doctor"}, &out, &errOut))
	assert.Regexp(t, `(?m)^fail +Go toolchain +go is not installed -> install Go`, out.String())
	assert.Regexp(t, `(?m)^fail +run folder +.* -> set BADGATEWAY_OUT`, out.String())
	assert.Contains(t, out.String(), "2 fail: no scenario runs here until what failed is mended\n")
}

func TestTryWritingLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, tryWriting(filepath.Join(dir, "a", "b")))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}
