package reports_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/reports"
)

// Each file is there whole, whatever becomes of the others, and in place of the one before.
func TestWriteFaces(t *testing.T) {
	t.Parallel()
	r := everyRuling()
	r.Dir = t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(r.Dir, reports.JUnitFile), 0o755)) // a file cannot take its place
	require.NoError(t, os.WriteFile(filepath.Join(r.Dir, reports.MarkdownFile), []byte("of the run before"), 0o644))
	err := r.WriteFaces()
	require.ErrorContains(t, err, reports.JUnitFile)
	assert.NotContains(t, err.Error(), reports.MetricsFile)

	require.NoError(t, os.Remove(filepath.Join(r.Dir, reports.JUnitFile)))
	entries, err := os.ReadDir(r.Dir)
	require.NoError(t, err)
	for _, entry := range entries {
		assert.NotEqual(t, ".part", filepath.Ext(entry.Name()))
	}
	summary, err := os.ReadFile(filepath.Join(r.Dir, reports.MarkdownFile))
	require.NoError(t, err)
	assert.Equal(t, rendered(t, r.Markdown), string(summary))

	require.NoError(t, r.WriteFaces())
	for _, name := range []string{reports.ResultsFile, reports.PageFile, reports.JUnitFile, reports.MarkdownFile, reports.BenchmarksFile, reports.MetricsFile} {
		info, err := os.Stat(filepath.Join(r.Dir, name))
		require.NoError(t, err)
		assert.NotZero(t, info.Size())
	}
	r.Dir = filepath.Join(r.Dir, "nowhere")
	assert.ErrorIs(t, r.WriteFaces(), os.ErrNotExist)
}
