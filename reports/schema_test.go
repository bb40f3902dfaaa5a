package reports_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

const resultsSchema = "results.schema.json"

// described is what a schema says of an object.
type described struct {
	ID                   string `json:"$id"`
	Description          string
	Type                 any
	Ref                  string `json:"$ref"`
	Enum                 []string
	Required             []string
	Properties           map[string]described
	Items                *described
	AdditionalProperties *described
	Defs                 map[string]described `json:"$defs"`
}

func readSchema(t *testing.T) (root described) {
	t.Helper()
	text, err := os.ReadFile(resultsSchema)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &root))
	return root
}

// compiled checks formats as well, which the draft leaves open.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	schema, err := compiler.Compile(resultsSchema)
	require.NoError(t, err)
	return schema
}

func validate(t *testing.T, text []byte) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return compiled(t).Validate(document)
}

// full is a run that has something of every kind.
func full() reports.Run {
	r := everyRuling()
	r.Schema, r.Problems = "https://raw.githubusercontent.com/badgateway/badgateway/main/reports/"+resultsSchema, []string{"x"}
	x := &r.Results[0]
	x.Timeline = reports.NewTimeline(evidence())
	x.Config, x.Log = []reports.File{{Name: "nginx.conf", Text: "x"}}, []string{"a line"}
	x.Verdicts[0].Looks = &expect.Looks{Taken: 1, Most: 5, Level: 0.99}
	arm := expect.Arm{K: 1, N: 2, Outcomes: map[string]int{"502": 1}, Witness: x.Verdicts[0].Witness}
	x.Experiment = &expect.Experiment{Finding: expect.Refuted, Metric: "failures", Found: arm, Fixed: arm, Quiet: arm, Straight: arm}
	return r
}

// What is written is what the schema says, and what is read.
func TestResultsSchema(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(full())
	require.NoError(t, err)
	require.NoError(t, validate(t, text))
	for _, r := range []reports.Run{{Version: 1}, everyRuling()} {
		text, err := json.Marshal(r)
		require.NoError(t, err)
		require.NoError(t, validate(t, text))
	}
	fixture, err := os.ReadFile("testdata/version1/results.json")
	require.NoError(t, err)
	require.NoError(t, validate(t, fixture))

	change := func(from, to string) error {
		t.Helper()
		require.Contains(t, string(text), from)
		return validate(t, []byte(strings.ReplaceAll(string(text), from, to)))
	}
	require.NoError(t, change(`"gateway":"envoy"`, `"gateway":"envoy","added":{"later":1}`), "what is only added is no new version")
	for from, to := range map[string]string{
		`"ruling":"pass"`:          `"ruling":"passed"`,
		`"finding":"fix refuted"`:  `"finding":"fixed"`,
		`"gateway":"envoy"`:        `"gateway":7`,
		`"scenario":`:              `"case_of":`,
		`"$schema":`:               `"schema":`,
		`"seed":7`:                 `"seed":-7`,
		`"began":"2026-05-04T`:     `"began":"4 May 2026, `,
		`"version":1`:              `"version":2`,
		`"distribution":{"1":2}`:   `"distribution":{"one":2}`,
		`"outcomes":{"502":1}`:     `"outcomes":{"502":"once"}`,
		`"config":[{"name":"nginx`: `"config":[{"nam":"nginx`,
	} {
		require.Error(t, change(from, to), "%s for %s", to, from)
	}
}

// Every field is in the schema, is described there, must be there if it is always written, and is of its type; and the schema
// has no other.
func TestResultsSchemaHasEveryField(t *testing.T) {
	t.Parallel()
	root := readSchema(t)
	assert.Equal(t, full().Schema, root.ID)
	unseen := maps.Clone(root.Defs)
	delete(unseen, "ruling")
	var check func(d described, of reflect.Type, path string)
	check = func(d described, of reflect.Type, path string) {
		for name := range d.Properties {
			assert.NotEmpty(t, d.Properties[name].Description, "%s.%s", path, name)
		}
		var names, required []string
		for field := range fieldsOf(of) {
			name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" {
				name = field.Name
			}
			names = append(names, name)
			if options == "" {
				required = append(required, name)
			}
			within, is := d.Properties[name]
			if !is {
				continue
			}
			inner, elem := within, field.Type
			for elem.Kind() == reflect.Slice || elem.Kind() == reflect.Map || elem.Kind() == reflect.Pointer {
				kind := map[reflect.Kind]*described{reflect.Slice: inner.Items, reflect.Map: inner.AdditionalProperties, reflect.Pointer: &inner}[elem.Kind()]
				require.NotNil(t, kind, "%s.%s is a %s", path, name, field.Type)
				inner, elem = *kind, elem.Elem()
			}
			if elem.Kind() != reflect.Struct || elem == reflect.TypeFor[time.Time]() {
				assert.Equal(t, scalar(elem), inner.scalar(root), "%s.%s", path, name)
				continue
			}
			to := strings.TrimPrefix(inner.Ref, "#/$defs/")
			require.Contains(t, root.Defs, to, "%s.%s", path, name)
			if _, first := unseen[to]; first {
				delete(unseen, to)
				check(root.Defs[to], elem, to)
			}
		}
		assert.ElementsMatch(t, names, slices.Collect(maps.Keys(d.Properties)), path)
		assert.ElementsMatch(t, required, d.Required, path)
	}
	check(root, reflect.TypeFor[reports.Run](), "run")
	assert.Empty(t, unseen)
}

// fieldsOf are those that are written, with those of embedded structs.
func fieldsOf(of reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for _, field := range reflect.VisibleFields(of) {
			if !field.Anonymous && field.IsExported() && field.Tag.Get("json") != "-" && !yield(field) {
				return
			}
		}
	}
}

// scalar is the JSON type of a Go type that is no struct.
func scalar(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.Float64:
		return "number"
	case reflect.String, reflect.Struct: // a time.Time
		return "string"
	default:
		return "integer"
	}
}

func (d described) scalar(root described) any {
	if d.Ref != "" {
		return root.Defs[strings.TrimPrefix(d.Ref, "#/$defs/")].Type
	}
	return d.Type
}

// The words that are a closed set are those of the code.
func TestResultsSchemaWords(t *testing.T) {
	t.Parallel()
	defs := readSchema(t).Defs
	for _, word := range defs["ruling"].Enum {
		var ruling expect.Ruling
		require.NoError(t, ruling.UnmarshalText([]byte(word)))
		assert.Equal(t, word, ruling.String())
	}
	assert.Len(t, defs["ruling"].Enum, 6)
	for _, word := range defs["experiment"].Properties["finding"].Enum {
		var finding expect.Finding
		require.NoError(t, finding.UnmarshalText([]byte(word)))
		assert.Equal(t, word, finding.String())
	}
	assert.Len(t, defs["experiment"].Properties["finding"].Enum, 6)
	for _, outcome := range []record.Outcome{
		record.Complete, record.Truncated, record.Corrupt, record.Crossed, record.Closed, record.Reset, record.TimedOut,
		record.Hung, record.Malformed, record.Refused, record.Aborted, record.Dropped,
	} {
		assert.Contains(t, defs["exchange"].Properties["outcome"].Description, string(outcome))
	}
	for _, action := range []record.Action{
		record.Answered, record.CutOff, record.Unanswered, record.Late, record.Abandoned, record.Unfinished,
	} {
		assert.Contains(t, defs["arrival"].Properties["action"].Description, string(action))
	}
}
