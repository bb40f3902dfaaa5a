package reports_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/reports"
)

func TestMarkdown(t *testing.T) {
	t.Parallel()
	r := everyRuling()
	tried := result(expect.Pass)
	tried.Scenario = "idleclose/TestFix"
	tried.Experiment = &expect.Experiment{Finding: expect.Proved, Found: expect.Arm{K: 1, N: 2}, Fixed: expect.Arm{N: 2}}
	r.Results = append(r.Results, tried)
	r.Problems = []string{"x/verdict.json: unexpected end of JSON input"}
	golden(t, "summary", rendered(t, r.Markdown))
}

// cells are those of each row of a table: what is between pipes that are not escaped.
var pipe = regexp.MustCompile(`(^|[^\\])(\\\\)*\|`)

// A cell holds whatever a gateway may say, and the table has as many columns in each row as in its head.
func TestMarkdownCells(t *testing.T) {
	t.Parallel()
	text := rendered(t, everyRuling().Markdown)
	columns, tables := 0, 0
	for line := range strings.Lines(text) {
		switch n := len(pipe.FindAllString(line, -1)); {
		case !strings.HasPrefix(line, "|"):
			columns = 0
		case columns == 0:
			columns = n
			tables++
		default:
			assert.Equal(t, columns, n, line)
		}
	}
	assert.GreaterOrEqual(t, tables, 6)
	assert.Contains(t, text, `a\|b \\ "c" &lt;d&gt; &amp;<br>\`+"`e\\`, \uFFFD \uFFFD\\[31m \uFFFD \\]\\]&gt; \\*\\_\\~# {g}")
	assert.NotContains(t, text, "<d>")
}

// A run of ten thousand failures does not make a summary that CI refuses, and says what is left out.
func TestMarkdownIsBounded(t *testing.T) {
	t.Parallel()
	r := reports.Run{Suites: everyRuling().Suites}
	for i := range 10_000 {
		x := result(expect.Fail)
		x.Scenario = fmt.Sprintf("idleclose/Test%d", i)
		x.Repeat = "go test " + x.Scenario
		r.Results = append(r.Results, x)
	}
	text := rendered(t, r.Markdown)
	assert.Less(t, len(text), 900<<10)
	assert.Greater(t, len(text), 750<<10)
	assert.Contains(t, text, "\n| idleclose | 7 |", "seeds are told whatever is left out")
	left := regexp.MustCompile(`\*\*(\d+) lines left out here`).FindStringSubmatch(text)
	require.NotNil(t, left)
	rows := strings.Count(text, "| idleclose/Test") + strings.Count(text, "\ngo test idleclose")
	assert.Equal(t, strconv.Itoa(20_000-rows), left[1])
	assert.Equal(t, strings.Count(text, "<details>"), strings.Count(text, "</details>"))
	assert.Zero(t, strings.Count(text, "```")%2)
	assert.Contains(t, text, "# badgateway: 10000 fail\n")
}

// A suite is run again as it was run, whichever module it is in; reasons are counted, and a row says how many promises more.
func TestMarkdownOfAStrictRun(t *testing.T) {
	t.Parallel()
	r := everyRuling()
	r.Suites[0].Strict, r.Suites[0].Thresholds = true, "team.yaml"
	gone := &r.Results[2]
	gone.Repeat = "go test example.com/team/idleclose -run '^TestPost$'"
	gone.Verdicts = append(gone.Verdicts, gone.Verdicts[0])
	r.Results = append(r.Results[2:3], r.Results[7], r.Results[7], reports.Result{Scenario: "idleclose/TestB", Gateway: "envoy", NotRun: "a reason"})
	text := rendered(t, r.Markdown)
	assert.Contains(t, text, "go test example.com/team/idleclose -bg.gateway=nginx@1.30,envoy -bg.profile=smoke -bg.seed=7 -bg.strict -bg.thresholds=team.yaml\n")
	assert.Contains(t, text, "| known, but gone | failures during close-on-reuse by FIN on orders: none (and 1 more) | - |", "red")
	assert.Contains(t, text, "| envoy | 2 | no container engine |\n| envoy | 1 | a reason |\n")
	assert.NotContains(t, text, "## Not judged")
}

// A cell that is longer than anybody reads is cut.
func TestMarkdownCutsCells(t *testing.T) {
	t.Parallel()
	x := result(expect.Fail)
	x.Verdicts[0].Reason = strings.Repeat("é", 601)
	text := rendered(t, reports.Run{Results: []reports.Result{x}}.Markdown)
	assert.Contains(t, text, "| "+strings.Repeat("é", 600)+" ... |")
}

// Several commands of a job write into one file, which may not be longer than CI shows.
func TestAppendSummary(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "job.md")
	r := everyRuling()
	require.NoError(t, r.AppendSummary(path))
	require.NoError(t, r.AppendSummary(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat(rendered(t, r.Markdown), 2), string(text))

	require.NoError(t, os.WriteFile(path, make([]byte, 1<<20-16<<10), 0o644))
	for range 100 {
		r.Results = append(r.Results, result(expect.Fail))
	}
	require.NoError(t, r.AppendSummary(path))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(1<<20))
	assert.ErrorContains(t, r.AppendSummary(path), "no room for a summary")
	assert.ErrorContains(t, r.AppendSummary(filepath.Dir(path)), "is a directory")
}
