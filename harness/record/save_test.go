package record

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A folder with a case.json is complete, so when one of the other files cannot be written there must be none.
func TestIncompleteSaveLeavesNoCase(t *testing.T) {
	for _, name := range []string{RequestsFile, ArrivalsFile, InjectionsFile} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(dir, name, "in the way"), 0o755))
			require.ErrorContains(t, Save(dir, facts()), name)
			assert.NoFileExists(t, filepath.Join(dir, CaseFile))
		})
	}
}
