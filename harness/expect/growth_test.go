//go:build unix && !race

package expect_test

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
)

// cost is what joining and judging take of each exchange, freed or not, and what its facts take beside that.
type cost struct {
	took         time.Duration
	bytes, facts float64
}

// costOf measures n exchanges, with facts as they are after they were loaded. The fastest of some turns is the one that
// others on the machine disturbed least.
func costOf(t *testing.T, n, turns int) cost {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, record.Save(dir, observed(n)))
	var empty, full, judged runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&empty)
	f, err := record.Load(dir)
	require.NoError(t, err)
	c := cost{took: time.Hour}
	for range turns {
		runtime.GC()
		runtime.ReadMemStats(&full)
		began := processorTime(t)
		judgeAll(t, f)
		c.took = min(c.took, (processorTime(t)-began)/time.Duration(n))
		runtime.ReadMemStats(&judged)
		c.bytes = float64(judged.TotalAlloc-full.TotalAlloc) / float64(n)
	}
	c.facts = float64(full.HeapAlloc-empty.HeapAlloc) / float64(n)
	t.Logf("n = %d: %s, %.0f bytes, and %.0f bytes of facts for each exchange", n, c.took, c.bytes, c.facts)
	return c
}

// processorTime is what this process has used so far: others on the machine make it longer by little.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// Ten times as many exchanges take about ten times as long, not a hundred times, and as much memory. The room is for
// caches, which hold the few and not the many.
func TestJudgingGrowsLinearly(t *testing.T) { // not in parallel: it measures
	few, more, many := costOf(t, 10_000, 10), costOf(t, 100_000, 5), costOf(t, 1_000_000, 2)
	assert.Less(t, more.took, 5*few.took)
	assert.Less(t, many.took, 5*more.took)
	assert.Less(t, more.bytes, 1.5*few.bytes)
	assert.Less(t, many.bytes, 1.5*more.bytes)
	assert.Less(t, more.facts, 1.1*few.facts)
	assert.Less(t, many.facts, 1.1*more.facts)
	assert.Less(t, many.bytes, 100.0, "a million in less than 100 MB, beside the facts")
	assert.Less(t, many.bytes+many.facts, 490.0, "a million in less than 500 MB, with the facts")
}
