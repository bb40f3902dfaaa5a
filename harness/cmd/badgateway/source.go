package main

import (
	"bytes"
	"cmp"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// suite is a package of tests that give the harness something to run, as its source tells; nothing is compiled for it.
type suite struct {
	Name string `json:"suite"`
	// Package is what go test is told at the root of the module, and Folder where it lies below that.
	Package string `json:"package"`
	Folder  string `json:"folder"`
	// Says is the first sentence of the package's comment.
	Says  string `json:"says"`
	Tests []test `json:"tests"`
}

// test is a test function and what it gives the harness to run.
type test struct {
	Name string `json:"test"`
	// Says is the first sentence of its comment, and doc all of it.
	Says string `json:"says"`
	doc  string
	// Kinds are the kinds of what is run: scenario, experiment, inspection.
	Kinds []string `json:"kinds"`
	// Profile is the smallest that the test is part of; empty where its source does not tell.
	Profile string `json:"profile,omitempty"`
	File    string `json:"file"`
	Line    int    `json:"line"`
}

// kinds are what the harness can be given to run, by the function that it is given to.
var kinds = map[string]string{"Run": scenario, "Try": "experiment", "Inspect": inspection}

// scenario is the kind of what is judged from its facts, inspection that of what has no schedule and is not.
const (
	scenario   = "scenario"
	inspection = "inspection"
)

// source is the parsed source of a package.
type source struct {
	files *token.FileSet
	says  string
	// declared are functions, methods, and what package variables and constants are set to, by name.
	declared map[string][]declaration
}

// declaration is something declared, and what its file calls the harness.
type declaration struct {
	node    ast.Node
	harness string
}

// readSource parses the package in a folder; nil if none of its tests imports the harness.
func readSource(dir string) (*source, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	texts := map[string][]byte{}
	about := false
	for _, entry := range entries {
		if entry.IsDir() || !strings.HasSuffix(entry.Name(), ".go") || strings.ContainsAny(entry.Name()[:1], "._") {
			continue
		}
		file := filepath.Join(dir, entry.Name())
		if texts[file], err = os.ReadFile(file); err != nil {
			return nil, err
		}
		about = about || strings.HasSuffix(file, "_test.go") && bytes.Contains(texts[file], []byte(strconv.Quote(harnessPackage)))
	}
	if !about {
		return nil, nil
	}
	s := &source{files: token.NewFileSet(), declared: map[string][]declaration{}}
	for file, text := range texts {
		parsed, err := parser.ParseFile(s.files, file, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if parsed.Doc != nil && s.says == "" {
			s.says = firstSentence(parsed.Doc)
		}
		s.declare(parsed)
	}
	return s, nil
}

func firstSentence(comment *ast.CommentGroup) string {
	return new(doc.Package).Synopsis(comment.Text())
}

func (s *source) declare(file *ast.File) {
	harness := ""
	for _, i := range file.Imports {
		if i.Path.Value == strconv.Quote(harnessPackage) {
			harness = "harness"
			if i.Name != nil {
				harness = i.Name.Name
			}
		}
	}
	add := func(name string, n ast.Node) { s.declared[name] = append(s.declared[name], declaration{n, harness}) }
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Body != nil {
				add(d.Name.Name, d)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				values, is := spec.(*ast.ValueSpec)
				if !is {
					continue
				}
				for i, value := range values.Values {
					if len(values.Names) == len(values.Values) {
						add(values.Names[i].Name, value)
					}
				}
			}
		}
	}
}

// tests lists the tests that give the harness something to run, by their names.
func (s *source) tests() []test {
	all := []test{}
	for name, declared := range s.declared {
		for _, d := range declared {
			f, is := d.node.(*ast.FuncDecl)
			if !is || f.Recv != nil || !isTest(name) || len(f.Type.Params.List) != 1 {
				continue
			}
			r := reading{source: s, read: map[string]bool{}, kinds: map[string]bool{}}
			r.function(d, nil)
			if len(r.kinds) == 0 {
				continue
			}
			at := s.files.Position(f.Pos())
			t := test{Name: name, Profile: r.profiles.smallest(), File: filepath.Base(at.Filename), Line: at.Line}
			for kind := range r.kinds {
				t.Kinds = append(t.Kinds, kind)
			}
			slices.Sort(t.Kinds)
			if f.Doc != nil {
				t.Says, t.doc = firstSentence(f.Doc), f.Doc.Text()
			}
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b test) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// isTest is what go test takes for the name of a test.
func isTest(name string) bool {
	rest, is := strings.CutPrefix(name, "Test")
	first, _ := utf8.DecodeRuneInString(rest)
	return is && name != "TestMain" && !unicode.IsLower(first)
}
