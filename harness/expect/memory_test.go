//go:build linux && !race

package expect_test

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
)

// inMemory makes a process of this test the one that is measured.
const inMemory = "BADGATEWAY_TEST_IN_MEMORY"

// A process that records 300,000 requests, collects their arrivals, saves them, loads them again and judges them never has
// 250 MB in memory: what Execute does, without the sockets.
func TestMemoryOfAProcess(t *testing.T) {
	const n = 300_000
	if os.Getenv(inMemory) != "" {
		recordAndJudge(t, t.TempDir(), n)
		status, err := os.ReadFile("/proc/self/status")
		require.NoError(t, err)
		t.Logf("%s", status)
		return
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryOfAProcess$", "-test.v")
	child.Env = append(os.Environ(), inMemory+"=1")
	out, err := child.CombinedOutput()
	require.NoError(t, err, "%s", out)
	most := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(out)
	require.NotNil(t, most, "%s", out)
	kB, err := strconv.Atoi(string(most[1]))
	require.NoError(t, err)
	t.Logf("%d MB in memory at most", kB/1000)
	assert.Less(t, kB, 250_000)
}

func recordAndJudge(t *testing.T, dir string, n int) {
	t.Helper()
	running, err := record.Begin(dir)
	require.NoError(t, err)
	for i := range n {
		running.Saw(observedRequest(i))
	}
	f := observed(n)
	running.Case, running.Arrivals, running.Injections = f.Case, f.Arrivals, f.Injections
	require.NoError(t, running.Save())
	runtime.GC()
	loaded, err := record.Load(dir)
	require.NoError(t, err)
	require.Len(t, loaded.Requests, n)
	judgeAll(t, loaded)
}
