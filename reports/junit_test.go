package reports_test

import (
	"encoding/xml"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// everyRuling is a run with a result of each ruling, one that was not run, and one that has a hard name.
func everyRuling() reports.Run {
	began := time.Date(2026, 5, 4, 3, 2, 1, 0, time.FixedZone("", 3600))
	r := reports.Run{Version: 1, Suites: []reports.Environment{{
		Suite: "idleclose", Began: began, Ended: began.Add(time.Minute), Seed: 7, Gateways: "nginx@1.30,envoy", Profile: "smoke",
		Keep: "failed", Go: "go1.26.8", System: "linux/amd64", CPUs: 2, Host: "somewhere",
	}}}
	for _, ruling := range []expect.Ruling{expect.Pass, expect.Known, expect.KnownGone, expect.Inconclusive, expect.Fail, expect.Error} {
		x := result(ruling)
		x.Scenario += "-" + strings.ReplaceAll(ruling.String(), " ", "-")
		x.Repeat = "go test ./suites/idleclose -run '^TestPost$' -bg.gateway=nginx@1.30 -bg.seed=7"
		x.Case = &record.Case{Version: 2, Began: began, LoadBegan: time.Second, LoadEnded: 3500 * time.Millisecond}
		r.Results = append(r.Results, x)
	}
	hard := result(expect.Fail)
	hard.Scenario, hard.Gateway = "idleclose/TestHard/"+hardText, "envoy"
	hard.Verdicts[0].Promise, hard.Verdicts[0].Reason = hardText, hardText
	r.Results = append(r.Results, hard, reports.Result{Scenario: "idleclose/TestA", Gateway: "envoy", NotRun: "no container engine"})
	for i := range r.Results {
		r.Results[i].Version = 2
	}
	return r
}

// hardText has what is special in some of the formats, and what XML has no way to write.
const hardText = "a|b \\ \"c\" <d> &\n`e`, \x00 \x1b[31m \xff ]]> *_~# {g}"

type junit struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Suites   []struct {
		Name      string `xml:"name,attr"`
		Timestamp string `xml:"timestamp,attr"`
		Tests     int    `xml:"tests,attr"`
		Failures  int    `xml:"failures,attr"`
		Errors    int    `xml:"errors,attr"`
		Skipped   int    `xml:"skipped,attr"`
		Cases     []struct {
			Class   string    `xml:"classname,attr"`
			Name    string    `xml:"name,attr"`
			Time    string    `xml:"time,attr"`
			Skipped *junitWhy `xml:"skipped"`
			Error   *junitWhy `xml:"error"`
			Failure *junitWhy `xml:"failure"`
			Out     string    `xml:"system-out"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

type junitWhy struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func junitOf(t *testing.T, r reports.Run) (read junit, text string) {
	t.Helper()
	text = rendered(t, r.JUnit)
	require.NoError(t, xml.Unmarshal([]byte(text), &read))
	return read, text
}

// What is not green in go test is red here, one testcase each, and the counts are of what is there.
func TestJUnit(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		r := everyRuling()
		r.Suites[0].Strict = strict
		read, _ := junitOf(t, r)
		require.Len(t, read.Suites, 2, "by gateway")
		nginx, envoy := read.Suites[0], read.Suites[1]
		assert.Equal(t, "idleclose on nginx@1.30", nginx.Name)
		assert.Equal(t, "2026-05-04T02:02:01", nginx.Timestamp, "UTC")
		require.Len(t, nginx.Cases, 6)
		for i, x := range r.Results[:6] {
			c := nginx.Cases[i]
			assert.Equal(t, "idleclose", c.Class)
			assert.Equal(t, x.Test()+"/nginx@1.30", c.Name)
			assert.Equal(t, "2.500", c.Time)
			assert.Nil(t, c.Skipped)
			assert.Equal(t, reports.Green(x.Ruling, strict), c.Error == nil && c.Failure == nil, "%s, strict %t", x.Ruling, strict)
			switch x.Ruling {
			case expect.Inconclusive, expect.Error:
				assert.Equal(t, x.Ruling.String(), c.Error.Type)
				assert.Contains(t, c.Error.Text, reports.Message(x, x.Verdicts[0])+"\nrun it again: go test")
			case expect.Fail:
				assert.Equal(t, "fail", c.Failure.Type)
				assert.Equal(t, "failures during close-on-reuse by FIN on orders: none: want none, got 50 % (1 of 2; 95 % interval 2.5-97 %)", c.Failure.Message)
				assert.Contains(t, c.Failure.Text, "first witness")
			case expect.Known:
				assert.Contains(t, c.Out, "known: failures during")
			case expect.KnownGone:
				assert.Equal(t, strict, c.Failure != nil)
			case expect.Pass:
				assert.Empty(t, c.Out)
			}
		}
		require.Len(t, envoy.Cases, 2)
		assert.Equal(t, "no container engine", envoy.Cases[1].Skipped.Message)
		assert.Equal(t, 1, envoy.Skipped)
		gone := map[bool]int{true: 1}[strict]
		assert.Equal(t, []int{6, 1 + gone, 2}, []int{nginx.Tests, nginx.Failures, nginx.Errors})
		assert.Equal(t, []int{8, 2 + gone, 2}, []int{read.Tests, read.Failures, read.Errors})
	}
}

// A line break is kept, and what XML cannot write is replaced.
func TestJUnitCharacters(t *testing.T) {
	t.Parallel()
	read, text := junitOf(t, everyRuling())
	hard := "a|b \\ \"c\" <d> &\n`e`, \uFFFD \uFFFD[31m \uFFFD ]]> *_~# {g}"
	assert.Equal(t, hard+": "+hard, read.Suites[1].Cases[0].Failure.Message)
	assert.NotContains(t, text, "\x1b")
}

// An experiment says what it found.
func TestJUnitOfAnExperiment(t *testing.T) {
	t.Parallel()
	x := result(expect.Pass)
	x.Experiment = &expect.Experiment{Finding: expect.Proved}
	read, _ := junitOf(t, reports.Run{Results: []reports.Result{x}})
	assert.Contains(t, read.Suites[0].Cases[0].Out, "experiment: fix proved")
}

// What could not be read is not green, nor is what was not judged; results of several runs are told apart.
func TestJUnitOfWhatIsMissing(t *testing.T) {
	t.Parallel()
	twice := result(expect.Pass)
	twice.Dir = "runs/y"
	r := reports.Run{Problems: []string{"x/verdict.json: unexpected end"}, Results: []reports.Result{
		result(expect.Pass), twice, {Scenario: "TestBare", Gateway: "nginx@1.30"},
	}}
	read, text := junitOf(t, r)
	require.Len(t, read.Suites, 3)
	assert.Equal(t, "no verdict: nothing was judged", read.Suites[0].Cases[0].Error.Message)
	assert.Equal(t, "TestPost/nginx@1.30 in runs/x", read.Suites[1].Cases[0].Name)
	assert.Equal(t, "TestPost/nginx@1.30 in runs/y", read.Suites[1].Cases[1].Name)
	assert.Equal(t, "x/verdict.json: unexpected end", read.Suites[2].Cases[0].Error.Message)
	assert.Equal(t, 2, read.Errors)
	assert.NotContains(t, text, `timestamp=""`)
}

// testdata/junit.xsd says what CI programs read.
func TestJUnitSchema(t *testing.T) {
	t.Parallel()
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint, of libxml2-utils, is not on this machine")
	}
	broken := everyRuling()
	broken.Problems = []string{"x/verdict.json: unexpected end"}
	broken.Results = append(broken.Results, broken.Results[0], reports.Result{Scenario: "TestBare"})
	for _, r := range []reports.Run{{}, everyRuling(), broken} {
		r.Dir = t.TempDir()
		require.NoError(t, r.WriteFaces())
		said, err := exec.Command(xmllint, "--noout", "--nonet", "--schema", "testdata/junit.xsd", filepath.Join(r.Dir, reports.JUnitFile)).CombinedOutput()
		require.NoError(t, err, string(said))
	}
}
