package reports_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// shownRun is a run with a result of every ruling, and one that was not run.
func shownRun() reports.Run {
	r := reports.Run{Suites: []reports.Environment{{Suite: "idleclose", Seed: 7, Profile: "ci", Host: "h", Ended: time.Unix(1_800_000_000, 0).UTC()}}}
	for _, ruling := range []expect.Ruling{expect.Pass, expect.Known, expect.KnownGone, expect.Inconclusive, expect.Fail, expect.Error} {
		x := result(ruling)
		x.Scenario += "/" + strings.ReplaceAll(ruling.String(), " ", "-")
		x.Timeline = reports.NewTimeline(evidence())
		x.Case = &record.Case{Lab: "docker", Reach: "container address", Backends: "orders x 1", Load: "POST /orders"}
		x.Config = []reports.File{{Name: "nginx.conf", Text: "upstream { <backends> }"}}
		x.Log = []string{`"POST /orders" 502 id=a-2`}
		x.Repeat = "go test ./suites/idleclose"
		r.Results = append(r.Results, x)
	}
	r.Results = append(r.Results, reports.Result{Scenario: "idleclose/TestPost/pass", Gateway: "envoy@1.39", NotRun: "no image"})
	return r
}

// Every element is closed, every id is there once, every link leads somewhere on the page, and nothing is loaded.
func TestHTMLIsOneWholePage(t *testing.T) {
	t.Parallel()
	page := rendered(t, shownRun().HTML)
	bare := regexp.MustCompile(`(?s)<(style|script)>.*?</(style|script)>`).ReplaceAllString(page, "")
	decoder := xml.NewDecoder(strings.NewReader(bare))
	decoder.Entity = xml.HTMLEntity
	ids, links := map[string]int{}, []string{}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		element, is := token.(xml.StartElement)
		if !is {
			continue
		}
		for _, a := range element.Attr {
			switch a.Name.Local {
			case "id":
				ids[a.Value]++
			case "href":
				links = append(links, a.Value)
			case "src", "action", "srcset":
				t.Errorf("<%s %s=%q> loads something", element.Name.Local, a.Name.Local, a.Value)
			}
		}
	}
	for id, n := range ids {
		assert.Equal(t, 1, n, id)
	}
	assert.Greater(t, len(links), 6)
	for _, link := range links {
		if link != "data:," { // the icon that is none, so that no browser asks for one
			assert.Contains(t, ids, strings.TrimPrefix(link, "#"))
		}
	}
	assert.NotContains(t, page, "ZgotmplZ", "the templates let no value through that they do not trust")
	assert.NotRegexp(t, `url\(|@import|https?://`, page)
}

// What a person looks for is there.
func TestHTMLTellsEverything(t *testing.T) {
	t.Parallel()
	page := rendered(t, shownRun().HTML)
	for _, want := range []string{
		"1 fail", "1 error", "1 inconclusive", "1 known, but gone", "1 not run", "seed 7",
		"failures during close-on-reuse by FIN on orders: none", "want none, got 50 %",
		"touched 1 request and ended 1 connection", "is told 502", "cut-off, by close-on-reuse by FIN on orders",
		"id=a-2", "upstream { &lt;backends&gt; }", "go test ./suites/idleclose", "no image", "in force from",
	} {
		assert.Contains(t, page, want)
	}
	fail, pass := strings.Index(page, `class="result fail"`), strings.Index(page, `class="result pass"`)
	assert.Less(t, fail, pass, "what is red comes first")
	assert.Contains(t, page, `data-text="idleclose/TestPost/error`)
}

// What a gateway, a test or a log may say cannot become part of the page.
func TestHTMLTrustsNoText(t *testing.T) {
	t.Parallel()
	evil := `</script><script>alert(1)</script>"'<img src=x onerror=alert(1)>`
	r := shownRun()
	x := &r.Results[0]
	x.Scenario, x.Gateway, x.Detected, x.Log = "evil/Test"+evil, evil, evil, []string{evil}
	x.Verdicts[0].Promise, x.Verdicts[0].Reason = evil, evil
	x.Timeline.Outcomes[evil] = make([]int, len(x.Timeline.Failed))
	x.Config[0] = reports.File{Name: evil, Text: evil}
	r.Problems = []string{evil}
	page := rendered(t, r.HTML)
	assert.NotContains(t, page, "<img src=x")
	assert.Equal(t, 1, strings.Count(page, "<script>"))
}

// A page of very many results keeps its size, shows the gravest, and says what it leaves out; all are in the overview.
func TestHTMLOfVeryManyResults(t *testing.T) {
	t.Parallel()
	one := shownRun()
	r := reports.Run{}
	for n := range 3000 {
		x := one.Results[0]
		if n%1000 == 999 {
			x = one.Results[4]
		}
		x.Scenario = fmt.Sprintf("idleclose/TestMany/%04d", n)
		r.Results = append(r.Results, x)
	}
	page := rendered(t, r.HTML)
	assert.Less(t, len(page), 2_000_000)
	assert.Equal(t, 3, strings.Count(page, `class="result fail"`))
	assert.Regexp(t, `There is no room for the last \d+ of 3000 results, all of them pass or better`, page)
	assert.Contains(t, page, "TestMany/2998")
}

func TestHTMLMatrixIsTheOverviewAlone(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, shownRun().HTMLMatrix(&b))
	assert.NotContains(t, b.String(), `class="result`)
	assert.Contains(t, b.String(), "TestPost/inconclusive")
	assert.NotContains(t, b.String(), `href="#r-`)
}

// In a browser no script fails, and the page asks nothing of any server.
func TestHTMLInABrowser(t *testing.T) {
	t.Parallel()
	browser := lookBrowser(t)
	document, said, asked := browse(t, browser, rendered(t, shownRun().HTML))
	assert.Contains(t, document, "6 of 6 shown", "the filter has run")
	assert.NotContains(t, said, ":CONSOLE", "the page's scripts say nothing, errors least of all")
	assert.Empty(t, asked)

	_, said, asked = browse(t, browser, `<!DOCTYPE html><title>x</title><img src="http://127.0.0.1:9/x.png"/><script>oops()</script>`)
	assert.Contains(t, said, ":CONSOLE", "what is looked for would be seen")
	assert.Equal(t, []string{"http://127.0.0.1:9/x.png"}, asked)
}

// browse opens a page, and returns what became of it, what the browser said, and what the page asked of servers.
func browse(t *testing.T, browser, page string) (document, said string, asked []string) {
	t.Helper()
	dir := t.TempDir()
	file, log := filepath.Join(dir, "index.html"), filepath.Join(dir, "net.json")
	require.NoError(t, os.WriteFile(file, []byte(page), 0o644))
	cmd := exec.CommandContext(t.Context(), browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND", // it asks its maker all sorts of things
		"--user-data-dir="+filepath.Join(dir, "profile"), "--enable-logging=stderr", "--log-net-log="+log,
		"--virtual-time-budget=3000", "--dump-dom", "file://"+file)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	require.NoError(t, cmd.Run(), errOut.String())
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	var net struct {
		Events []struct {
			Params struct{ URL, Initiator string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &net))
	for _, e := range net.Events {
		if e.Params.Initiator == "null" { // a page that is a file; what the browser asks for itself has another
			asked = append(asked, e.Params.URL)
		}
	}
	return out.String(), errOut.String(), asked
}

func lookBrowser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no chromium on this machine")
	return ""
}

// tidy knows the rules of HTML that a browser forgives.
func TestHTMLIsValid(t *testing.T) {
	t.Parallel()
	tidy, err := exec.LookPath("tidy")
	if err != nil {
		t.Skip("no tidy on this machine")
	}
	cmd := exec.CommandContext(t.Context(), tidy, "-errors", "-quiet", "--drop-empty-elements", "no")
	cmd.Stdin = strings.NewReader(rendered(t, shownRun().HTML))
	said, err := cmd.CombinedOutput()
	assert.NoError(t, err)
	assert.Empty(t, string(said))
}
