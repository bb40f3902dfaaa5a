package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func newListCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "list [PATTERN]",
		Short: "list the suites and their tests, and what each says it is about",
		Long: `list prints every suite of the module that the working directory lies in, and its tests with the smallest profile that
each is part of (where its source tells) and the first sentence of its comment. PATTERN selects by suite, by SUITE/TEST, or by
either with * and ? in it. It reads the source alone: it never compiles, never calls go, and never runs anything.`,
		Example: `  badgateway list
  badgateway list idleclose
  badgateway list '*/*Post*'
  badgateway list --json`,
		Args:              takes("[PATTERN]"),
		ValidArgsFunction: completeThen(completeTest),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := here()
			if err != nil {
				return err
			}
			all, err := m.suites()
			if err != nil {
				return err
			}
			if len(all) == 0 {
				return usageError{"no test in " + m.root + " gives the harness something to run"}
			}
			chosen, err := matching(all, strings.Join(args, ""))
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), chosen)
			}
			return writeSuites(cmd.OutOrStdout(), chosen)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, an array of suites")
	return cmd
}

// matching leaves the suites and tests that the pattern selects; an empty one selects all.
func matching(all []suite, pattern string) ([]suite, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, usageError{fmt.Sprintf("%q is no pattern: %v", pattern, err)}
	}
	matches := func(name string) bool {
		whole, _ := path.Match(pattern, name) // checked above
		return whole || pattern == ""
	}
	var chosen []suite
	var near []string
	for _, s := range all {
		near = append(near, s.Name)
		whole := matches(s.Name) || strings.HasPrefix(s.Name, pattern+"/")
		of := s
		of.Tests = nil
		for _, t := range s.Tests {
			near = append(near, s.Name+"/"+t.Name)
			if whole || matches(s.Name+"/"+t.Name) {
				of.Tests = append(of.Tests, t)
			}
		}
		if len(of.Tests) > 0 {
			chosen = append(chosen, of)
		}
	}
	if len(chosen) == 0 {
		return nil, unlisted("no suite and no test matches %q%s", pattern, didYouMean(pattern, near))
	}
	return chosen, nil
}

func writeJSON(w io.Writer, suites []suite) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(suites)
}

// writeSuites writes the suites for people, and how many tests there are.
func writeSuites(w io.Writer, suites []suite) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	tests := 0
	for _, s := range suites {
		fmt.Fprintf(table, "%s  (%s)\n", s.Name, s.Package)
		if s.Says != "" {
			fmt.Fprintf(table, "  %s\n", s.Says)
		}
		for _, t := range s.Tests {
			fmt.Fprintf(table, "  %s\t%s\t%s\n", t.Name, cmp.Or(t.Profile, "-"), t.Says)
			tests++
		}
		fmt.Fprintln(table)
	}
	fmt.Fprintf(table, "%s in %s\n", number(tests, "test"), number(len(suites), "suite"))
	return table.Flush()
}

func number(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
