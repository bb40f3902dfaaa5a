package docs

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shown is a command of a page, and what the page says that it prints.
type shown struct {
	command string
	prints  []string
}

// commands are those of a page's console blocks, in their order.
func commands(page string) (all []shown) {
	for _, block := range regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(page, -1) {
		for line := range strings.Lines(block[1]) {
			line = strings.TrimRight(line, "\n")
			if command, is := strings.CutPrefix(line, "$ "); is {
				all = append(all, shown{command: command})
			} else if last := len(all) - 1; last >= 0 && line != "" && line != "..." {
				all[last].prints = append(all[last].prints, line)
			}
		}
	}
	return all
}

// red reports whether the page says that the command fails.
func (s shown) red() bool {
	return regexp.MustCompile(`(?m)\bfail$|^ *FAIL\b`).MatchString(strings.Join(s.prints, "\n"))
}

// Every command of every page is run here, or by .ci/run; what takes minutes or containers is checked to be accepted.
func TestCommands(t *testing.T) {
	t.Parallel()
	tool := buildTool(t)
	counted := 0
	for name, page := range pages(t) {
		all := commands(page)
		if len(all) == 0 {
			continue
		}
		counted += len(all)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &session{tool: tool, dir: t.TempDir(), at: root}
			for _, each := range all {
				s.check(t, each)
			}
		})
	}
	assert.Greater(t, counted, 25)
}

// buildTool builds the command that the pages call badgateway.
func buildTool(t *testing.T) string {
	t.Helper()
	tool := filepath.Join(t.TempDir(), "badgateway")
	out, err := sh(t, root, "go build -o "+tool+" ./harness/cmd/badgateway")
	require.NoError(t, err, out)
	return tool
}

// session is a page that is typed from its first command to its last.
type session struct {
	tool, dir, at string
	once          sync.Once
}

// ways are how commands are dealt with; the first that fits does.
var ways = []struct {
	command string
	check   func(*session, *testing.T, shown)
}{
	{`^make `, (*session).makes},
	{`^cd `, (*session).changesTo},
	{`^(zcat|grep) `, (*session).runs},
	{`^go test \./suites/example `, (*session).runs},
	{`^go test \./harness/`, (*session).runs},
	{`^go test `, (*session).runsDry},
	{`^go get -t `, (*session).finds},
	{`^go mod init `, (*session).runsApart},
	{`^go build `, (*session).runsApart},
	{`^badgateway (compare|nightly) `, (*session).parses},
	{`^badgateway (matrix|semantics|experiments) `, (*session).accepts},
	{`^badgateway `, (*session).runs},
}

func (s *session) check(t *testing.T, c shown) {
	t.Helper()
	c.command = regexp.MustCompile(`^(go run \./harness/cmd/|\./)badgateway `).ReplaceAllString(c.command, "badgateway ")
	for _, way := range ways {
		if regexp.MustCompile(way.command).MatchString(c.command) {
			way.check(s, t, c)
			return
		}
	}
	t.Errorf("nothing runs or checks %q; say how in ways", c.command)
}

var (
	savedRun = regexp.MustCompile(`reports/runs/\d{8}-\d{6}`)
	outDir   = regexp.MustCompile(`([ =])(?:"\$PWD/out"|out)( |$)`)
	trendDir = regexp.MustCompile(` trend$`)
	gateway  = regexp.MustCompile(`=(?:"\$PWD/|\./)my-gateway"?`)
)

// typed is the command with folders of the test's own in the place of the page's.
func (s *session) typed(command string) string {
	command = savedRun.ReplaceAllLiteralString(command, s.run())
	command = outDir.ReplaceAllString(command, "${1}"+s.out()+"${2}")
	command = trendDir.ReplaceAllLiteralString(command, " "+filepath.Join(s.dir, "trend"))
	command = gateway.ReplaceAllLiteralString(command, "=./fixtures/gateways/testdata/my-gateway")
	if rest, is := strings.CutPrefix(command, "badgateway "); is {
		command = s.tool + " " + rest
	}
	return command
}

func (s *session) run() string { return filepath.Join(s.dir, "run") }
func (s *session) out() string { return filepath.Join(s.dir, "out") }

// runs runs the command, and looks for what it is said to print: numbers differ from run to run, and nothing else.
func (s *session) runs(t *testing.T, c shown) {
	t.Helper()
	command := s.typed(c.command)
	switch {
	case strings.HasPrefix(command, "go test ./suites/"):
		command += " -bg.out=" + s.run()
	case strings.Contains(command, s.out()):
		s.once.Do(func() {
			out, err := sh(t, root, "go test ./suites/example -count=1 -run TestOrderIsPlacedOnce -bg.out="+s.out())
			require.NoError(t, err, out)
		})
	}
	out, err := s.alone(t, command)
	if strings.Contains(out, "the client fell") {
		t.Skipf("this machine is too busy to tell:\n%s", out)
	}
	if c.red() {
		assert.Error(t, err, "%s\n%s", c.command, out)
	} else {
		assert.NoError(t, err, "%s\n%s", c.command, out)
	}
	assert.NotContains(t, out, "no tests to run", c.command)
	printed := map[string]bool{}
	for line := range strings.Lines(strings.ReplaceAll(out, s.run(), "reports/runs/20261122-020245")) {
		printed[withoutNumbers(line)] = true
	}
	for _, line := range c.prints {
		assert.True(t, printed[withoutNumbers(line)], "%s\nis said to print\n%s\nand prints\n%s", c.command, line, out)
	}
}

// quiet keeps other commands from those that send requests at their times.
var quiet sync.RWMutex

// alone runs a command, beside no other if it measures.
func (s *session) alone(t *testing.T, command string) (string, error) {
	t.Helper()
	if strings.HasPrefix(command, "go test ./suites/example ") && !strings.Contains(command, "-bg.dry") {
		quiet.Lock()
		defer quiet.Unlock()
		return sh(t, s.at, command)
	}
	quiet.RLock()
	defer quiet.RUnlock()
	return sh(t, s.at, command)
}

// withoutNumbers is a line whose numbers are all 0, and whose spaces are single.
func withoutNumbers(line string) string {
	line = regexp.MustCompile(`^\s*\w+_?test\.go:\d+: |^\s*run\.go:\d+: `).ReplaceAllString(line, "")
	return regexp.MustCompile(`[0-9][0-9.]*`).ReplaceAllString(spaced(line), "0")
}

// runsDry runs a test of minutes or containers dry, that of the first suite where it names several.
func (s *session) runsDry(t *testing.T, c shown) {
	t.Helper()
	command := strings.Replace(s.typed(c.command), "github.com/badgateway/badgateway/", "./", 1)
	pattern := strings.Fields(command)[2]
	command = strings.Replace(command, pattern, s.first(t, pattern), 1) + " -v -bg.dry=brief"
	command += " -skip '^TestFalseClaimsAreCaught$'" // the contract's test of itself, which has nothing to run dry
	out, err := s.alone(t, command)
	require.NoError(t, err, "%s\n%s", command, out)
	assert.Contains(t, out, "a dry run", command)
}

// first finds the packages that a pattern names, and returns the first with tests.
func (s *session) first(t *testing.T, pattern string) string {
	t.Helper()
	out, err := sh(t, root, "go list -f '{{if .TestGoFiles}}{{.ImportPath}}{{end}}' "+pattern)
	require.NoError(t, err, "%s\n%s", pattern, out)
	found := strings.Fields(out)
	require.NotEmpty(t, found, pattern)
	return found[0]
}

// finds checks that there is what a command would fetch.
func (s *session) finds(t *testing.T, c shown) {
	t.Helper()
	words := strings.Fields(c.command)
	s.first(t, strings.Replace(words[len(words)-1], "github.com/badgateway/badgateway/", "./", 1))
}

// runsApart runs a command that writes where it is typed, elsewhere.
func (s *session) runsApart(t *testing.T, c shown) {
	t.Helper()
	at, command := filepath.Join(s.dir, "apart"), c.command
	require.NoError(t, os.MkdirAll(at, 0o755))
	if strings.HasPrefix(command, "go build ") {
		at, command = root, strings.Replace(command, " -o ", " -o "+at+"/", 1)
	}
	out, err := sh(t, at, command)
	assert.NoError(t, err, "%s\n%s", c.command, out)
}

// makes asks make what it would do. Those of README.md are run by .ci/run.
func (s *session) makes(t *testing.T, c shown) {
	t.Helper()
	out, err := sh(t, root, "make -n "+strings.TrimPrefix(c.command, "make "))
	assert.NoError(t, err, "%s\n%s", c.command, out)
	assert.Contains(t, read(t, filepath.Join(root, ".ci/run")), `grep -E '^\$ make ' README.md`)
}

func (s *session) changesTo(t *testing.T, c shown) {
	t.Helper()
	if s.at = s.typed(strings.TrimPrefix(c.command, "cd ")); s.at == "-" {
		s.at = root
	}
	require.DirExists(t, s.at)
}

// parses checks the flags of a command that would run for long.
func (s *session) parses(t *testing.T, c shown) {
	t.Helper()
	out, err := sh(t, root, s.typed(c.command)+" --help")
	assert.NoError(t, err, "%s\n%s", c.command, out)
}

// accepts checks that a command finds nothing wrong with its words, where it has no run to read.
func (s *session) accepts(t *testing.T, c shown) {
	t.Helper()
	const usage = 2
	out, err := sh(t, root, s.typed(c.command))
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		assert.NotEqual(t, usage, exit.ExitCode(), "%s\n%s", c.command, out)
	}
}

// sh types a command in a folder, as in CI and with no setting of badgateway from outside.
func sh(t *testing.T, at, command string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = at
	cmd.Env = []string{"CI=true"}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "BADGATEWAY_") && !strings.HasPrefix(variable, "GITHUB_") && !strings.HasPrefix(variable, "MAKE") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}
