package fault

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The page has a row for every fault that there is, and for no other.
func TestReadmeListsEveryFault(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllSubmatch(page, -1) {
		listed = append(listed, string(row[1]))
	}
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	var declared []string
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(file.Name())
		require.NoError(t, err)
		for _, found := range regexp.MustCompile(`(?m)^var _ Fault = (\w+)\{\}$`).FindAllSubmatch(text, -1) {
			declared = append(declared, string(found[1]))
		}
	}
	assert.Greater(t, len(declared), 30)
	assert.ElementsMatch(t, declared, listed)
}
