package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/badgateway/badgateway/fixtures/gateways"
)

// completeShells adds cobra's completion command, and has it take a shell that it does not know for the mistake that it is.
func completeShells(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Short = "print what completes commands, gateways, runs and tests in a shell"
		c.Long = `completion prints the script with which a shell completes commands, gateways, the folders of runs, and the names of tests.
The --help of each shell says how to load it. It never changes a file of yours.`
		c.Example = "  badgateway completion bash\n  badgateway completion zsh"
		c.Args = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return misused(cmd, "unknown shell %q%s", args[0], didYouMean(args[0], commandNames(cmd)))
		}
		c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
}

// completer says what a word may become that was begun.
type completer func(cmd *cobra.Command, begun string) ([]cobra.Completion, cobra.ShellCompDirective)

// completeThen completes each argument in its own way, and nothing behind the last.
func completeThen(each ...completer) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= len(each) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return each[len(args)](cmd, begun)
	}
}

// completeFlag completes the value of a flag.
func completeFlag(c completer) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return c(cmd, begun)
	}
}

func completeCommand(cmd *cobra.Command, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var all []cobra.Completion
	for _, c := range cmd.Root().Commands() {
		all = append(all, cobra.CompletionWithDesc(c.Name(), c.Short))
	}
	return beginning(all, begun), cobra.ShellCompDirectiveNoFileComp
}

// completeSelection completes the last of several gateways; one that begins like a path is left to the shell.
func completeSelection(_ *cobra.Command, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	comma := strings.LastIndex(begun, ",") + 1
	before, last := begun[:comma], begun[comma:]
	if strings.HasPrefix(last, ".") || strings.Contains(last, "/") {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	folders, err := gateways.Shipped()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	all := []cobra.Completion{before + "all"}
	for _, f := range folders {
		all = append(all, before+f.Name)
		if lines := f.Lines(); len(lines) > 1 {
			all = append(all, before+f.Name+"@all")
			for _, g := range lines {
				all = append(all, before+g.String())
			}
		}
	}
	return beginning(all, begun), cobra.ShellCompDirectiveNoFileComp
}

// completeRun completes the folders of runs, the newest first, where runs are kept; elsewhere the shell completes folders.
func completeRun(_ *cobra.Command, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	runs := filepath.Join("reports", "runs")
	entries, _ := os.ReadDir(runs) // without one there are none
	var all []cobra.Completion
	for _, e := range slices.Backward(entries) {
		if e.IsDir() {
			all = append(all, filepath.ToSlash(filepath.Join(runs, e.Name())))
		}
	}
	if all = beginning(all, begun); len(all) == 0 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return all, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completeTest completes the suites, and their tests once a suite is typed.
func completeTest(_ *cobra.Command, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	m, err := here()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	suites, err := m.suites()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var all []cobra.Completion
	for _, s := range suites {
		for _, t := range s.Tests {
			all = append(all, cobra.CompletionWithDesc(s.Name+"/"+t.Name, t.Says))
		}
	}
	return beginning(all, begun), cobra.ShellCompDirectiveNoFileComp
}

func beginning(all []cobra.Completion, with string) []cobra.Completion {
	return slices.DeleteFunc(all, func(c cobra.Completion) bool { return !strings.HasPrefix(c, with) })
}
