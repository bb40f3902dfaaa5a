package reports

import (
	"cmp"
	"encoding/xml"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/badgateway/badgateway/harness/expect"
)

// JUnit writes junit.xml: a testsuite for each suite and gateway, a testcase for each scenario. What was promised and not
// kept is a failure. What could not be judged is an error: red as well, and not the gateway's fault. A known deviation is a
// pass that says so in its output. Files of the folder that could not be read are errors of a testsuite of their own, since
// what is missing is not green.
func (r Run) JUnit(w io.Writer) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w) // which puts U+FFFD in place of what XML 1.0 has no way to write
	encoder.Indent("", "  ")
	if err := encoder.Encode(r.junit()); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

type junitRun struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	junitCounts
	Suites []*junitSuite `xml:"testsuite"`
}

type junitCounts struct {
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     junitSeconds `xml:"time,attr"`
}

type junitSuite struct {
	Name    string `xml:"name,attr"`
	Package string `xml:"package,attr"`
	ID      int    `xml:"id,attr"`
	junitCounts
	Skipped    int             `xml:"skipped,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Hostname   string          `xml:"hostname,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Time    junitSeconds `xml:"time,attr"`
	Skipped *junitReason `xml:"skipped"`
	Error   *junitReason `xml:"error"`
	Failure *junitReason `xml:"failure"`
	Out     string       `xml:"system-out,omitempty"`
}

// junitReason is why a testcase is no plain pass; Type is the ruling.
type junitReason struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// junitSeconds has three places and never an exponent, which the schema does not know.
type junitSeconds float64

func (s junitSeconds) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(s), 'f', 3, 64), nil
}

// junitTime is how JUnit writes an instant, without a zone: of UTC.
const junitTime = "2006-01-02T15:04:05"

func (r Run) junit() junitRun {
	all := junitRun{Name: "badgateway"}
	suites := map[[2]string]*junitSuite{}
	repeated := r.repeated()
	for _, x := range r.Results {
		key := [2]string{x.Suite(), x.Gateway}
		suite := suites[key]
		if suite == nil {
			suite = r.junitSuite(x)
			suites[key] = suite
			all.Suites = append(all.Suites, suite)
		}
		if x.Case != nil {
			if began := x.Case.Began.UTC().Format(junitTime); suite.Timestamp == "" || began < suite.Timestamp {
				suite.Timestamp = began
			}
		}
		c := r.junitCase(x)
		if repeated[[2]string{x.Scenario, x.Gateway}] { // else some programs show the first alone
			c.Name += " in " + x.Dir
		}
		suite.add(c)
	}
	slices.SortStableFunc(all.Suites, func(a, b *junitSuite) int { return cmp.Compare(a.Package, b.Package) })
	if len(r.Problems) > 0 {
		all.Suites = append(all.Suites, r.junitProblems())
	}
	for id, suite := range all.Suites {
		suite.ID = id
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Errors += suite.Errors
		all.Time += suite.Time
	}
	return all
}

func (r Run) junitSuite(x Result) *junitSuite {
	e := r.of(x.Suite())
	s := &junitSuite{
		Name: classOf(x) + " on " + x.Gateway, Package: classOf(x), Hostname: cmp.Or(e.Host, "localhost"),
		Properties: []junitProperty{{"gateway", x.Gateway}},
	}
	property := func(name, value string) {
		if value != "" {
			s.Properties = append(s.Properties, junitProperty{name, value})
		}
	}
	property("version", x.Detected)
	if e.Suite != "" {
		property("seed", strconv.FormatUint(e.Seed, 10))
		property("profile", e.Profile)
		property("strict", strconv.FormatBool(e.Strict))
		property("thresholds", e.Thresholds)
		property("system", e.System)
		property("go", e.Go)
	}
	return s
}

// classOf is the suite, or a name for what is in none.
func classOf(x Result) string { return cmp.Or(x.Suite(), "badgateway") }

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	s.Time += c.Time
	switch {
	case c.Skipped != nil:
		s.Skipped++
	case c.Error != nil:
		s.Errors++
	case c.Failure != nil:
		s.Failures++
	}
}

// junitCase has one reason at most, with all that is red in it: programs read the first alone. Its name has the gateway, as
// that of go test does: programs tell testcases apart by class and name, and one gateway must not hide another.
func (r Run) junitCase(x Result) junitCase {
	c := junitCase{Class: classOf(x), Name: x.Test() + "/" + x.Gateway}
	if x.Case != nil {
		c.Time = junitSeconds(math.Max(0, (x.Case.LoadEnded - x.Case.LoadBegan).Seconds()))
	}
	if x.NotRun != "" {
		c.Skipped = &junitReason{Message: x.NotRun}
		return c
	}
	c.Out = r.junitOut(x)
	if !r.red(x) {
		return c
	}
	reason := &junitReason{Type: x.Ruling.String(), Message: sentence(x.gravest()), Text: r.junitText(x)}
	if x.Ruling == expect.Fail || x.Ruling == expect.KnownGone {
		c.Failure = reason
	} else {
		c.Error = reason
	}
	return c
}

// junitText is what a person reads of each promise that was not kept.
func (r Run) junitText(x Result) string {
	var texts []string
	for _, v := range x.Verdicts {
		if !Green(v.Ruling, r.Strict()) {
			texts = append(texts, Message(x, v))
		}
	}
	if x.Repeat != "" {
		texts = append(texts, "run it again: "+x.Repeat)
	}
	return strings.Join(texts, "\n")
}

// junitOut says what the output of a testcase is to say: what is known of the gateway, and what came of an experiment.
func (r Run) junitOut(x Result) string {
	var lines []string
	for _, v := range x.Verdicts {
		if (v.Ruling == expect.Known || v.Ruling == expect.KnownGone) && Green(v.Ruling, r.Strict()) {
			lines = append(lines, v.Ruling.String()+": "+sentence(v))
		}
	}
	if x.Experiment != nil {
		lines = append(lines, "experiment: "+x.Experiment.String())
	}
	return strings.Join(lines, "\n")
}

// junitProblems has what could not be read, and what a broken-off run left.
func (r Run) junitProblems() *junitSuite {
	s := &junitSuite{Name: "problems", Package: "problems", Hostname: "localhost"}
	for i, problem := range r.Problems {
		s.add(junitCase{
			Class: "problems", Name: "problem " + strconv.Itoa(i+1), Error: &junitReason{Type: "problem", Message: problem},
		})
	}
	return s
}

// gravest is the first verdict that the ruling of the result is from.
func (r Result) gravest() expect.Verdict {
	if i := slices.IndexFunc(r.Verdicts, func(v expect.Verdict) bool { return v.Ruling == r.Ruling }); i >= 0 {
		return r.Verdicts[i]
	}
	return expect.Verdict{Promise: "no verdict", Ruling: r.Ruling, Reason: "nothing was judged"}
}

// sentence is a verdict in one line: the promise, and why it was not kept or what was measured.
func sentence(v expect.Verdict) string { return v.Promise + ": " + cmp.Or(v.Reason, v.Measured) }
