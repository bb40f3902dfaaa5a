package harness

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

const thresholdsSchema = "thresholds.schema.json"

const someThresholds = `- scenarios: [idleclose/TestRace/POST-*]
  gateways: [stdlib]
  promise: failures
  at_most: 60 %
  why: what it does today
`

func thresholdsOf(t *testing.T, text string) (*thresholds, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "team.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	return readThresholds(file)
}

// What is wrong with a file is told in one line, with the place.
func TestWrongThresholds(t *testing.T) {
	t.Parallel()
	for want, change := range map[string][2]string{
		`team.yaml:4:3: unknown field "atmost"`:                                          {"at_most", "atmost"},
		`team.yaml: entry 1: scenarios, promise, at_most and why must all be said`:       {"why: what it does today", "why:"},
		`team.yaml: entry 1: "[x": syntax error in pattern`:                              {"gateways: [stdlib]", `gateways: ["[x"]`},
		`team.yaml: entry 1: scenario "*/TestRace": want a suite by its name and a test`: {"idleclose/TestRace/POST-*", `"*/TestRace"`},
		`team.yaml: entry 1: scenario "idleclose": want a suite by its name and a test`:  {"idleclose/TestRace/POST-*", "idleclose"},
		`team.yaml: no entries`: {someThresholds, "[]"},
	} {
		_, err := thresholdsOf(t, strings.Replace(someThresholds, change[0], change[1], 1))
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "\n")
	}
	_, err := readThresholds("nowhere.yaml")
	require.ErrorIs(t, err, os.ErrNotExist)
	none, err := readThresholds("")
	require.NoError(t, err)
	all, err := none.apply("idleclose/TestRace/POST-before", "stdlib", nil)
	require.NoError(t, err)
	assert.Empty(t, all)
	assert.NoError(t, none.unused("idleclose", nil, false))
}

// The schema is for editors; what it says must be what is read.
func TestThresholdsSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(thresholdsSchema)
	require.NoError(t, err)
	var root struct {
		Schema string `json:"$schema"`
		ID     string `json:"$id"`
		Defs   struct {
			Threshold struct {
				AdditionalProperties *bool                      `json:"additionalProperties"`
				Properties           map[string]json.RawMessage `json:"properties"`
			} `json:"threshold"`
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &root))
	assert.Equal(t, "https://json-schema.org/draft/2020-12/schema", root.Schema)
	assert.Equal(t, "https://github.com/badgateway/badgateway/harness/"+thresholdsSchema, root.ID)
	require.NotNil(t, root.Defs.Threshold.AdditionalProperties)
	assert.False(t, *root.Defs.Threshold.AdditionalProperties)
	var fields []string
	for field := range reflect.TypeFor[threshold]().Fields() {
		fields = append(fields, field.Tag.Get("yaml"))
		assert.Contains(t, string(root.Defs.Threshold.Properties[field.Tag.Get("yaml")]), `"description"`)
	}
	assert.ElementsMatch(t, fields, slices.Collect(maps.Keys(root.Defs.Threshold.Properties)))

	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	schema, err := compiler.Compile(thresholdsSchema)
	require.NoError(t, err)
	agree := func(text string, good bool) {
		t.Helper()
		converted, err := yaml.YAMLToJSON([]byte(text))
		require.NoError(t, err)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(converted))
		require.NoError(t, err)
		assert.Equal(t, good, schema.Validate(document) == nil, "the schema of %s", text)
		_, err = thresholdsOf(t, text)
		assert.Equal(t, good, err == nil, "the reader of %s: %v", text, err)
	}
	agree(someThresholds, true)
	agree(strings.Replace(someThresholds, "  gateways: [stdlib]\n", "", 1), true)
	for _, bound := range []string{"none", "2%", "0.001 %", "1.5", "250ms", "1m 30s"} {
		agree(strings.Replace(someThresholds, "60 %", bound, 1), true)
	}
	for _, wrong := range [][2]string{
		{"at_most", "most"}, {"  why: what it does today\n", ""}, {"scenarios: [idleclose/TestRace/POST-*]", "scenarios: []"}, {"idleclose/TestRace/POST-*", "idleclose"}, {someThresholds, "[]"},
	} {
		agree(strings.Replace(someThresholds, wrong[0], wrong[1], 1), false)
	}
}

// An entry is of the scenarios and the gateways that it names, and one that is of nothing is told, by name.
func TestThresholdsApply(t *testing.T) {
	t.Parallel()
	promises := expect.All{expect.Failures(record.Phase{}).None()}
	stdlib, err := choose("stdlib")
	require.NoError(t, err)
	read := func(text string) *thresholds {
		bounds, err := thresholdsOf(t, text)
		require.NoError(t, err)
		return bounds
	}
	apply := func(bounds *thresholds, scenario, gateway string) string {
		all, err := bounds.apply(scenario, gateway, promises)
		require.NoError(t, err)
		return all[0].Judge(expect.Evidence{}).Promise
	}

	bounds := read(someThresholds)
	assert.Equal(t, "failures in the whole run: none", apply(bounds, "idleclose/TestRace/GET-before", "stdlib"))
	assert.Equal(t, "failures in the whole run: none", apply(bounds, "idleclose/TestRace/POST-before", "nginx@1.30"))
	unused := bounds.unused("idleclose", stdlib, false)
	require.EqualError(t, unused, "team.yaml: failures at most 60 % in idleclose/TestRace/POST-* on stdlib: matches no scenario")
	assert.NoError(t, bounds.unused("idleclose", stdlib, true), "its test may not have been asked for")
	assert.NoError(t, bounds.unused("retries", stdlib, false), "it is another suite's to tell")
	assert.Equal(t, "failures in the whole run: at most 60 % (by team.yaml)", apply(bounds, "idleclose/TestRace/POST-before", "stdlib"))
	assert.NoError(t, bounds.unused("idleclose", stdlib, false))

	bounds = read(strings.Replace(someThresholds, "promise: failures", "promise: failure", 1))
	apply(bounds, "idleclose/TestRace/POST-before", "stdlib")
	require.ErrorContains(t, bounds.unused("idleclose", stdlib, true), "failure at most 60 % in idleclose/TestRace/POST-* on stdlib: matches no promise")

	_, err = read(strings.Replace(someThresholds, "60 %", "60ms", 1)).apply("idleclose/TestRace/POST-before", "stdlib", promises)
	require.EqualError(t, err, "team.yaml: failures in the whole run: at_most: 60ms: want none, or a share like 2 %")

	suites := []string{"idleclose", "retries"}
	require.NoError(t, read(someThresholds).check(suites, stdlib))
	require.NoError(t, read(strings.Replace(someThresholds, "stdlib", "nginx@*", 1)).check(suites, stdlib))
	require.ErrorContains(t, read(strings.Replace(someThresholds, "stdlib", "nginks@*", 1)).check(suites, stdlib), "matches nothing: there is no gateway nginks@*")
	require.ErrorContains(t, read(strings.Replace(someThresholds, "idleclose", "idlclose", 1)).check(suites, stdlib), "matches nothing: there is no suite idlclose beside this one")
}

// A file of bounds is for all suites, whichever of them reads it.
func TestSuitesBeside(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, dir := range []string{"idleclose", "field/uwsgi", "field/models"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	for _, suite := range []string{"idleclose", "field/uwsgi"} {
		beside, err := suitesBeside(filepath.Join(root, suite), suite)
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{"idleclose", "field"}, beside)
	}
}
