//go:build linux && !race

package expect_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/memory"
	"github.com/badgateway/badgateway/harness/record"
)

// A process that records 300,000 requests, collects their arrivals, saves them, loads them again and judges them never has
// 250 MB in memory: what Execute does, without the sockets.
func TestMemoryOfAProcess(t *testing.T) {
	kB, _ := memory.Peak(t, func() { recordAndJudge(t, t.TempDir(), 300_000) })
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
