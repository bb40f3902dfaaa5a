package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// own is the module that badgateway is, and harnessPackage what a suite imports of it.
const (
	own            = "github.com/badgateway/badgateway"
	harnessPackage = own + "/harness"
)

// module is a Go module: the clone of badgateway, or a user's own.
type module struct {
	root, path string
	// imported says that its suites are another module's: they lie in the module cache, and go test is told their import paths.
	imported bool
}

var moduleLine = regexp.MustCompile(`(?m)^module[ \t]+"?([^\s"]+)`)

// here is the module that the working directory lies in.
func here() (module, error) {
	dir, err := os.Getwd()
	if err != nil {
		return module{}, err
	}
	for at := dir; ; at = filepath.Dir(at) {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil {
			found := moduleLine.FindSubmatch(text)
			if found == nil {
				return module{}, fmt.Errorf("%s names no module", filepath.Join(at, "go.mod"))
			}
			return module{root: at, path: string(found[1])}, nil
		}
		if filepath.Dir(at) == at {
			return module{}, usageError{"no suites here: neither " + dir + " nor a folder above it has a go.mod"}
		}
	}
}

// shipped is badgateway as the module requires it: its suites can be run from there too.
func (m module) shipped(ctx context.Context) (module, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", own)
	var out, errOut bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = m.root, &out, &errOut
	if err := cmd.Run(); err != nil {
		return module{}, fmt.Errorf("go list -m: %w: %s", err, said(errOut.String()))
	}
	dir := strings.TrimSpace(out.String())
	if dir == "" {
		return module{}, fmt.Errorf("%s is not downloaded: go mod download", own)
	}
	return module{root: dir, path: own, imported: true}, nil
}

// suites finds every package whose tests give the harness something to run, in the order of their names.
func (m module) suites() ([]suite, error) {
	var found []suite
	err := filepath.WalkDir(m.root, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if at != m.root && notOfModule(at, entry.Name()) {
			return fs.SkipDir
		}
		s, err := m.suite(at)
		if err == nil && len(s.Tests) > 0 {
			found = append(found, s)
		}
		return err
	})
	slices.SortFunc(found, func(a, b suite) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Package, b.Package)) })
	return found, err
}

// notOfModule reports whether the go command would pass the folder by, too.
func notOfModule(dir, name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "vendor" {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// suite reads the suite in a folder; one without tests if there is none.
func (m module) suite(dir string) (suite, error) {
	within, err := filepath.Rel(m.root, dir)
	if err != nil {
		return suite{}, err
	}
	within = filepath.ToSlash(within)
	s := suite{Name: m.suiteName(within), Package: "./" + within, Folder: within}
	if m.imported {
		s.Package = path.Join(m.path, within)
	}
	source, err := readSource(dir)
	if err != nil || source == nil {
		return s, err
	}
	s.Says = source.says
	s.Tests = source.tests()
	return s, nil
}

// suiteName is what harness.Main calls the suite: in the clone its path below suites, elsewhere its folder.
func (m module) suiteName(within string) string {
	if below, is := strings.CutPrefix(within, "suites/"); is && m.path == own && !m.imported {
		return below
	}
	if within == "." {
		return filepath.Base(m.root)
	}
	return path.Base(within)
}

// packages are those of the suites that are named, or, where none is, of all that are wanted, whose names are then filled in.
func (m module) packages(ctx context.Context, named *[]string, wanted func(suite) bool) (packages []string, err error) {
	if len(*named) == 0 {
		all, err := m.suites()
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			if !wanted(s) {
				continue
			}
			if slices.Contains(*named, s.Name) {
				return nil, usageError{fmt.Sprintf("two suites are called %s, and would have one folder: name those to run with --suite", s.Name)}
			}
			*named, packages = append(*named, s.Name), append(packages, s.Package)
		}
		if len(packages) > 0 {
			return packages, nil
		}
	}
	for _, name := range *named {
		s, err := m.find(ctx, name)
		if err != nil {
			return nil, err
		}
		packages = append(packages, s.Package)
	}
	if len(packages) == 0 {
		return nil, usageError{"no suites to run in " + m.root + "; name some of badgateway's with --suite"}
	}
	return packages, nil
}

// find finds a suite by its name in the module, else among those that badgateway ships to it.
func (m module) find(ctx context.Context, name string) (suite, error) {
	all, err := m.suites()
	if err != nil {
		return suite{}, err
	}
	byName := func(s suite) bool { return s.Name == name }
	if i := slices.IndexFunc(all, byName); i >= 0 {
		return all[i], nil
	}
	if m.path != own {
		shipped, err := m.shipped(ctx)
		if err != nil {
			return suite{}, unlisted("there is no suite %q in %s, nor can those of badgateway be looked up (%v)", name, m.root, err)
		}
		more, err := shipped.suites()
		if err != nil {
			return suite{}, err
		}
		all = append(all, more...)
		if i := slices.IndexFunc(all, byName); i >= 0 {
			return all[i], nil
		}
	}
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name
	}
	return suite{}, unlisted("there is no suite %q in %s%s", name, m.root, didYouMean(name, names))
}
