package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// root is where every command of a page is typed.
const root = ".."

// pages are those of the whole clone, by their path from its root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == "reports/runs" || strings.HasPrefix(entry.Name(), ".") && path != root):
			return fs.SkipDir
		case filepath.Ext(name) == ".md":
			found[name] = read(t, path)
		}
		return nil
	}))
	require.Greater(t, len(found), 10)
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s#]*)(?:#([^)\s]*))?\)`)
	code    = regexp.MustCompile("(?ms)^ *```.*?^ *```$|`[^`\n]*`")
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// A relative link leads to a file of the clone, and to a heading that is there.
func TestLinks(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for name, text := range all {
		for _, found := range link.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1) {
			target, anchor := found[1], found[2]
			if strings.Contains(target, ":") {
				continue
			}
			to := name
			if target != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(name), target))
			}
			if _, err := os.Stat(filepath.Join(root, to)); !assert.NoError(t, err, "%s: %s", name, found[0]) || anchor == "" {
				continue
			}
			var anchors []string
			for _, h := range heading.FindAllStringSubmatch(all[to], -1) {
				anchors = append(anchors, anchorOf(h[1]))
			}
			assert.Contains(t, anchors, anchor, "%s: %s", name, found[0])
		}
	}
}

// anchorOf is what a heading is linked by: its words in small letters, with dashes between them.
func anchorOf(heading string) string {
	return strings.ReplaceAll(regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

// The index has every page of this folder.
func TestIndex(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for name := range all {
		if filepath.Dir(name) == "docs" && name != "docs/README.md" {
			assert.Contains(t, all["docs/README.md"], "]("+filepath.Base(name)+")")
		}
	}
}

// The Go that a page shows is that of the files, but for its indentation.
func TestQuotes(t *testing.T) {
	t.Parallel()
	for page, from := range map[string][]string{
		"writing-a-scenario.md": {"suites/example/main_test.go", "suites/example/orders_test.go", "suites/example/more_test.go"},
		"adding-a-fault.md":     {"harness/fault/close_in_head.go", "harness/fault/table_test.go"},
	} {
		var files strings.Builder
		for _, file := range from {
			files.WriteString(read(t, filepath.Join(root, file)))
		}
		blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(read(t, page), -1)
		assert.GreaterOrEqual(t, len(blocks), 2, page)
		for _, block := range blocks {
			quoted := strings.Contains(spaced(files.String()), spaced(block[1]))
			assert.True(t, quoted, "%s: none of %v has\n%s", page, from, block[1])
		}
	}
}

// spaced has single spaces wherever there are any.
func spaced(text string) string { return strings.Join(strings.Fields(text), " ") }
