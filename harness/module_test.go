package harness_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A user runs the shipped suites from a module of their own, without a clone. Then the suites lie in the module cache,
// whose folders are read-only and named module@version.

// foreign is a user's module that requires badgateway as the module cache holds it.
type foreign struct {
	home, module, cached string
	environment          []string
}

const idleclose = "github.com/badgateway/badgateway/suites/idleclose"

func newForeign(t *testing.T) foreign {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	f := foreign{
		home: filepath.Join(root, "home"), module: filepath.Join(root, "home", "shop"),
		cached: filepath.Join(root, "github.com", "badgateway", "badgateway@v0.1.0"),
	}
	copyModule(t, "..", f.cached)
	readOnly(t, f.cached)

	require.NoError(t, os.MkdirAll(f.module, 0o755))
	require.NoError(t, os.CopyFS(filepath.Join(f.module, "my-gateway"), os.DirFS("../fixtures/gateways/testdata/my-gateway")))
	require.NoError(t, os.WriteFile(filepath.Join(f.module, "go.mod"), []byte("module example.com/shop\n\ngo 1.26\n\n"+
		"require github.com/badgateway/badgateway v0.1.0\n\nreplace github.com/badgateway/badgateway => "+f.cached+"\n"), 0o600))
	sums, err := os.ReadFile("../go.sum")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(f.module, "go.sum"), sums, 0o600))

	// Nothing is fetched: what the suites need is there, since this test was compiled of it.
	f.environment = append(os.Environ(), "HOME="+f.home, "XDG_CACHE_HOME="+filepath.Join(f.home, ".cache"),
		"GOPROXY=off", "GOSUMDB=off", "GOWORK=off", "GOFLAGS=-mod=mod", "CI=true", noEngine)
	for _, name := range []string{"GOPATH", "GOCACHE", "GOMODCACHE"} {
		value, err := exec.Command("go", "env", name).Output()
		require.NoError(t, err)
		f.environment = append(f.environment, name+"="+strings.TrimSpace(string(value)))
	}
	return f
}

// copyModule copies what a module's zip file would hold.
func copyModule(t *testing.T, from, to string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		within, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if within == filepath.Join("reports", "runs") || strings.HasPrefix(within, ".") && within != "." {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, within), 0o755)
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, within), text, 0o444)
	}))
}

// readOnly takes the right to write into the folders away until the end of the test, and checks then that nothing was
// written: root needs no right.
func readOnly(t *testing.T, root string) {
	t.Helper()
	files := func(mode fs.FileMode) (all []string) {
		require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			all = append(all, path)
			if err == nil && entry.IsDir() {
				err = os.Chmod(path, mode)
			}
			return err
		}))
		return all
	}
	before := files(0o555)
	t.Cleanup(func() { assert.Equal(t, before, files(0o755), "the module cache was written to") })
}

// run types go test in the user's module.
func (f foreign) run(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"test", "-count=1", "-v", idleclose}, args...)...)
	cmd.Dir, cmd.Env = f.module, f.environment
	text, err := cmd.CombinedOutput()
	return string(text), err
}

func TestFromAnotherModule(t *testing.T) {
	t.Parallel()
	f := newForeign(t)
	typed := func(path string) string {
		if runtime.GOOS == "linux" {
			return path
		}
		return filepath.Join(f.module, path) // as the user is told to, see TestWhereTypedIsUnknown
	}

	out, err := f.run(t, "-run=^$")
	require.NoError(t, err, out)
	assert.Contains(t, out, "facts in "+f.home, "without -bg.out a run goes to the user's cache")

	const test = "-run=^TestPostIsNotSentAgain$/^default-fin$"
	out, err = f.run(t, test, "-bg.keep=always", "-bg.out="+typed("out"))
	require.NoError(t, err, out)
	assert.Contains(t, out, "\nrun folder: "+filepath.Join(f.module, "out", "idleclose")+"\n")
	assert.FileExists(t, filepath.Join(f.module, "out", "idleclose", "run.json"))

	out, err = f.run(t, test, "-bg.replay="+typed("out"))
	require.NoError(t, err, out)
	assert.Contains(t, out, "\n1 known\n")

	out, err = f.run(t, "-run=^$", "-bg.gateway="+typed("./my-gateway"))
	require.Error(t, err)
	assert.Contains(t, out, "gateway my-gateway: no container engine", "the folder was found and read")

	out, err = f.run(t, "-run=^$", "-bg.gateway="+typed("./yours"))
	require.Error(t, err)
	assert.Contains(t, out, "yours does not exist (tried "+filepath.Join(f.module, "yours"))
}

// Where it cannot be known in which folder go test was typed, as on all systems but Linux, a relative path is no use
// outside of a clone. The message says so, and what to type.
func TestWhereTypedIsUnknown(t *testing.T) {
	t.Parallel()
	path, err := binary()
	require.NoError(t, err)
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	cached := filepath.Join(root, "badgateway@v0.1.0")
	suite := filepath.Join(cached, "suites", "idleclose")
	require.NoError(t, os.MkdirAll(suite, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(cached, "go.mod"), []byte("module github.com/badgateway/badgateway\n"), 0o600))
	for arg, want := range map[string]string{
		"-bg.out=out":                   `-bg.out: out is a relative path; a suite is not told where go test was typed: say "$PWD/out"`,
		"-bg.replay=./out":              "-bg.replay: ./out does not exist (tried " + suite + `/out); a suite is not told where go test was typed: say "$PWD/out"`,
		"-bg.gateway=./mine":            "-bg.gateway=./mine: ./mine does not exist (tried " + suite + `/mine); a suite is not told where go test was typed: say "$PWD/mine"`,
		"-bg.gateway=" + root + "/mine": "/mine does not exist (tried " + root + "/mine)\n",
	} {
		cmd := exec.CommandContext(t.Context(), path, arg)
		var errOut bytes.Buffer
		cmd.Dir, cmd.Env, cmd.Stderr = suite, append(os.Environ(), noEngine), &errOut
		require.Error(t, cmd.Run())
		assert.Contains(t, errOut.String(), want)
	}
}

// A suite of the user's own is found its gateway from the root of the user's module, whatever is known.
func TestFromTheRootOfTheModule(t *testing.T) {
	t.Parallel()
	path, err := binary()
	require.NoError(t, err)
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	suite := filepath.Join(root, "suites", "checkout")
	require.NoError(t, os.MkdirAll(suite, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module example.com/shop\n"), 0o600))
	require.NoError(t, os.CopyFS(filepath.Join(root, "my-gateway"), os.DirFS("../fixtures/gateways/testdata/my-gateway")))
	cmd := exec.CommandContext(t.Context(), path, "-bg.gateway=./my-gateway", "-bg.out=out")
	var errOut bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stderr = suite, append(os.Environ(), noEngine), &errOut
	require.Error(t, cmd.Run())
	assert.Contains(t, errOut.String(), "gateway my-gateway: no container engine")
	assert.DirExists(t, filepath.Join(root, "out", "checkout"))
}
