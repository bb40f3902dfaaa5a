package reports

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// The files that are rendered from results.json, beside it.
const (
	PageFile       = "index.html"
	JUnitFile      = "junit.xml"
	MarkdownFile   = "summary.md"
	BenchmarksFile = "benchmarks.txt"
	MetricsFile    = "metrics.txt"
)

// faces are the files that show a run, and what renders each. A new face is a line here.
var faces = []struct {
	name   string
	render func(Run, io.Writer) error
}{
	{PageFile, Run.HTML},
	{JUnitFile, Run.JUnit},
	{MarkdownFile, Run.Markdown},
	{BenchmarksFile, Run.Benchmarks},
	{MetricsFile, Run.OpenMetrics},
}

// WriteFaces writes results.json and every face of it into the folder of the run, each whole or not at all. One that cannot
// be written does not keep the others from it; the error names all such.
func (r Run) WriteFaces() error {
	problems := []error{r.Save()}
	for _, face := range faces {
		problems = append(problems, whole(filepath.Join(r.Dir, face.name), func(w io.Writer) error { return face.render(r, w) }))
	}
	return errors.Join(problems...)
}

// whole writes a file and then puts it in its place, so that nobody reads half of it.
func whole(path string, render func(io.Writer) error) error {
	part := path + ".part"
	file, err := os.Create(part)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(file)
	err = errors.Join(render(b), b.Flush(), file.Close())
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", path, err), os.Remove(part))
	}
	return nil
}

// red reports whether a result that was run keeps the run from being green.
func (r Run) red(x Result) bool { return x.NotRun == "" && !Green(x.Ruling, r.Strict()) }

// of is what the suite was run with, in the last of its runs; the zero Environment if the folder does not say.
func (r Run) of(suite string) (e Environment) {
	for _, each := range r.Suites {
		if each.Suite == suite {
			e = each
		}
	}
	return e
}

// repeated holds the scenarios and gateways of which there are several results: a folder may hold several runs.
func (r Run) repeated() map[[2]string]bool {
	seen, repeated := map[[2]string]bool{}, map[[2]string]bool{}
	for _, x := range r.Results {
		key := [2]string{x.Scenario, x.Gateway}
		repeated[key] = seen[key]
		seen[key] = true
	}
	return repeated
}
