package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shop is a user's module with a suite, and with what only looks like one.
var shop = map[string]string{
	"go.mod": "module example.com/shop\n\ngo 1.26\n",
	"checkout/main_test.go": `// Package checkout holds the gateway to what customers need. It is not for others.
package checkout

import (
	"testing"

	bg "github.com/badgateway/badgateway/harness"
)

const late = bg.Nightly

func TestMain(m *testing.M) { bg.Main(m) }

func on(t *testing.T, least bg.Profile) { bg.Run(t, bg.Scenario{Profile: least}) }

func found() bg.Scenario { return bg.Scenario{} }

type promises struct{}

func (promises) hold(t *testing.T) { bg.Run(t, found()) }
`,
	"checkout/checkout_test.go": `package checkout

import (
	"testing"

	"github.com/badgateway/badgateway/harness"
	"example.com/shop/elsewhere"
)

// Nobody may notice. Not even at night.
func TestDirect(t *testing.T) { harness.Run(t, harness.Scenario{Profile: harness.Smoke}) }

func TestDefault(t *testing.T) { harness.Run(t, harness.Scenario{}) }

func TestHelper(t *testing.T) { on(t, harness.Nightly) }

func TestTwoHelpers(t *testing.T) { on(t, harness.Nightly); on(t, harness.CI) }

func TestConstant(t *testing.T) { on(t, late) }

func TestMethod(t *testing.T) { promises{}.hold(t) }

func TestVariable(t *testing.T) {
	least := harness.Nightly
	if testing.Short() {
		least = harness.CI
	}
	on(t, least)
}

func TestAssigned(t *testing.T) {
	s := found()
	s.Profile = harness.Smoke
	harness.Run(t, s)
}

func TestTable(t *testing.T) {
	for _, c := range []struct{ least harness.Profile }{{harness.Nightly}, {least: harness.Nightly}} {
		t.Run("", func(t *testing.T) { on(t, c.least) })
	}
}

func TestClosure(t *testing.T) {
	run := func(least harness.Profile) { harness.Run(t, harness.Scenario{Profile: least}) }
	run(harness.Nightly)
}

func TestUntold(t *testing.T) { harness.Run(t, harness.Scenario{Profile: elsewhere.Profile}) }

func TestForeign(t *testing.T) { harness.Run(t, elsewhere.Scenario()) }

func TestExperiment(t *testing.T) { harness.Try(t, harness.Experiment{Found: found()}) }

func TestInspection(t *testing.T) { harness.Inspect(t, harness.Inspection{Profile: harness.Nightly}) }

func TestOrdinary(t *testing.T) { t.Log(harness.Running()) }

func Testify(t *testing.T) { on(t, harness.CI) }
`,
	"plain/plain_test.go":             "package plain\n\nimport \"testing\"\n\nfunc TestPlain(t *testing.T) {}\n",
	"testdata/broken/broken_test.go":  "no go, \"github.com/badgateway/badgateway/harness\"",
	"nested/go.mod":                   "module example.com/nested\n",
	"nested/checkout_test.go":         "no go, \"github.com/badgateway/badgateway/harness\"",
	"reports/runs/20261122-013000/x":  "",
	"reports/runs/20261123-013000/x":  "",
	"reports/runs/not-a-folder":       "",
	"checkout/thresholds_of_mine.txt": "",
}

// inShop makes the shop's module the working directory.
func inShop(t *testing.T) {
	t.Helper()
	root := t.TempDir()
	for name, text := range shop {
		file := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	t.Chdir(root)
}

func TestListOfAnotherModule(t *testing.T) {
	inShop(t)
	var out, errOut strings.Builder
	require.Equal(t, exitOK, run(t.Context(), []string{"list", "--json"}, &out, &errOut), errOut.String())
	var suites []suite
	require.NoError(t, json.Unmarshal([]byte(out.String()), &suites))
	require.Len(t, suites, 1)
	s := suites[0]
	assert.Equal(t, "checkout ./checkout checkout", s.Name+" "+s.Package+" "+s.Folder)
	assert.Equal(t, "Package checkout holds the gateway to what customers need.", s.Says)
	got := map[string]string{}
	for _, of := range s.Tests {
		got[of.Name] = strings.TrimSpace(strings.Join(of.Kinds, " ") + " " + of.Profile)
	}
	assert.Equal(t, map[string]string{
		"TestDirect": "scenario smoke", "TestDefault": "scenario ci", "TestHelper": "scenario nightly", "TestTwoHelpers": "scenario ci",
		"TestConstant": "scenario nightly", "TestMethod": "scenario ci", "TestVariable": "scenario ci", "TestAssigned": "scenario smoke",
		"TestTable": "scenario nightly", "TestClosure": "scenario nightly", "TestUntold": "scenario", "TestForeign": "scenario",
		"TestExperiment": "experiment ci", "TestInspection": "inspection nightly",
	}, got)

	t.Chdir("checkout") // from anywhere in the module
	out.Reset()
	require.Equal(t, exitOK, run(t.Context(), []string{"list", "checkout/Test[DM]*"}, &out, &errOut), errOut.String())
	assert.Equal(t, `checkout  (./checkout)
  Package checkout holds the gateway to what customers need.
  TestDefault  ci     
  TestDirect   smoke  Nobody may notice.
  TestMethod   ci     

3 tests in 1 suite
`, out.String())
}

// The clone's own: every suite of the folder suites, by its path below that.
func TestListOfTheClone(t *testing.T) {
	t.Parallel()
	m, err := here()
	require.NoError(t, err)
	all, err := m.suites()
	require.NoError(t, err)
	byName := map[string]suite{}
	for _, s := range all {
		byName[s.Name] = s
		assert.Equal(t, "suites/"+s.Name, s.Folder)
		for _, of := range s.Tests {
			assert.FileExists(t, filepath.Join(m.root, s.Folder, of.File))
		}
	}
	assert.Contains(t, byName, "field/uwsgi")
	assert.NotContains(t, byName, "selftest", "its scenarios are not run by the harness")
	field, err := matching(all, "field")
	require.NoError(t, err)
	assert.Greater(t, len(field), 3, "all suites below a folder")
}

func TestOutsideOfAModule(t *testing.T) {
	t.Chdir(t.TempDir())
	var out, errOut strings.Builder
	assert.Equal(t, exitUsage, run(t.Context(), []string{"list"}, &out, &errOut))
	assert.Contains(t, errOut.String(), "badgateway: no suites here: neither ")
}

func TestBrokenSource(t *testing.T) {
	inShop(t)
	require.NoError(t, os.WriteFile("checkout/broken_test.go", []byte("no go"), 0o600))
	var out, errOut strings.Builder
	assert.Equal(t, exitHarness, run(t.Context(), []string{"list"}, &out, &errOut))
	assert.Contains(t, errOut.String(), "broken_test.go:1:1: expected 'package'")
}

func TestCompletion(t *testing.T) {
	inShop(t)
	t.Setenv("BASH_COMP_DEBUG_FILE", "")
	for typed, want := range map[string][]string{
		"gateways ngi":             {"nginx", "nginx@all", "nginx@1.18"},
		"images nginx@1.30,std":    {"nginx@1.30,stdlib"},
		"report rep":               {"reports/runs/20261123-013000", "reports/runs/20261122-013000", ":36"},
		"report /":                 {":16"},
		"judge a ":                 {":4"},
		"judge --gateway hap":      {"haproxy", "haproxy@all"},
		"explain checkout/TestDir": {"checkout/TestDirect\tNobody may notice."},
		"explain --profile n":      {"nightly"},
		"list chec":                {"checkout/TestDirect\tNobody may notice."},
		"matrix a checkout/TestM":  {"checkout/TestMethod"},
		"help ju":                  {"judge\tjudge a saved run again, without a gateway"},
		"clean ":                   {":4"},
	} {
		args := append([]string{"__complete"}, strings.Split(typed, " ")...)
		var out, errOut strings.Builder
		assert.Equal(t, exitOK, run(t.Context(), args, &out, &errOut), typed)
		lines := strings.Split(out.String(), "\n")
		assert.Subset(t, lines, want, typed)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		var out, errOut strings.Builder
		assert.Equal(t, exitOK, run(t.Context(), []string{"completion", shell}, &out, &errOut))
		assert.Contains(t, out.String(), "badgateway")
	}
}
