package record

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func facts() Facts {
	return Facts{
		Case: Case{
			Version: Version, Scenario: "idleclose/TestPost", Gateway: "nginx@1.30", Detected: "1.30.6", Seed: 42,
			Began: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), LoadEnded: time.Second,
		},
		Requests: []Request{
			{ID: "a-1", Method: "POST", Path: "/", Due: 1, Sent: 2, Done: 3, Outcome: Complete, Status: 200, Backend: "orders-1"},
			{ID: "a-2", Method: "POST", Path: "/", Outcome: Reset, Detail: "read: connection reset by peer"},
		},
		Arrivals:   []Arrival{{ID: "a-1", Backend: "orders-1", Sequence: 1, Action: Answered, Executed: true}},
		Injections: []Injection{{ID: "cut", Receipts: []Receipt{{Replica: "orders-1", Requests: 1}}}},
	}
}

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Save(dir, facts()))
	loaded, err := Load(dir)
	require.NoError(t, err)
	assert.Equal(t, facts(), loaded)
	parts, err := filepath.Glob(filepath.Join(dir, "*.part"))
	require.NoError(t, err)
	assert.Empty(t, parts)
}

// What the version before wrote can be read for one version more.
func TestLoadOfTheVersionBefore(t *testing.T) {
	loaded, err := Load("testdata/v1")
	require.NoError(t, err)
	want := facts()
	want.Case.Version = 1
	assert.Equal(t, want, loaded)
}

// case.json is written last: a folder without it is what an interrupted run leaves.
func TestLoadSaysWhatIsBroken(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"no record": {
			CaseFile, "",
			"no complete record here: the run was broken off: 2 requests can be read, 1 of them failed, the last ended at 0.000 s",
		},
		"newer":            {CaseFile, `{"version": 3}`, "case.json: version 3 is of a newer badgateway; this one reads 1 to 2"},
		"no version":       {CaseFile, `{}`, "case.json: version 0, this program reads 1 to 2"},
		"case is no JSON":  {CaseFile, `{"version": 1`, "case.json: unexpected end of JSON input"},
		"requests missing": {RequestsFile, "", "requests.jsonl.gz: no such file"},
		"not compressed":   {RequestsFile, "{\"id\":\"a-1\"}\n", "requests.jsonl.gz: gzip: invalid header"},
		"line cut short":   {RequestsFile, packed("{\"id\":\"a-1\"}\n{\"id\":\"a-"), "requests.jsonl.gz:2: cut short"},
		"file cut short":   {RequestsFile, packed("{\"id\":\"a-1\"}\n")[:40], "requests.jsonl.gz:2: cut short"},
		"broken line":      {ArrivalsFile, packed("{\"id\":\"a-1\"}\nnonsense\n"), "arrivals.jsonl.gz:2: invalid character"},
		"wrong type":       {InjectionsFile, packed("{\"id\":5}\n"), "injections.jsonl.gz:1: json: cannot unmarshal number"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, Save(dir, facts()))
			path := filepath.Join(dir, c.file)
			if c.text == "" {
				require.NoError(t, os.Remove(path))
			} else {
				require.NoError(t, os.WriteFile(path, []byte(c.text), 0o644))
			}
			_, err := Load(dir)
			require.ErrorContains(t, err, c.want)
			assert.ErrorContains(t, err, dir)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

// packed is a file of the text, flushed after it.
func packed(text string) string {
	var file bytes.Buffer
	w := gzip.NewWriter(&file)
	_, _ = w.Write([]byte(text))
	_ = w.Flush()
	_ = w.Close()
	return file.String()
}

// Whatever is in a file of facts, reading it ends in values or in an error that names a line.
func FuzzDecodeLines(f *testing.F) {
	f.Add([]byte("{\"id\":\"a-1\"}\n{\"id\":\"a-2\",\"outcome\":\"reset\"}\n"))
	f.Add([]byte("{\"id\":\"a-1\"}\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		requests, err := decodeLines(bytes.NewReader(text), 0, newCodec[Request]())
		if err != nil {
			assert.Regexp(t, `^\d+: `, err.Error())
			return
		}
		assert.Len(t, requests, bytes.Count(text, []byte("\n")))
	})
}
