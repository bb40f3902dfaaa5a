package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// status is the exit code of a command that has said already what there is to say.
type status int

func (s status) Error() string { return fmt.Sprintf("exit code %d", int(s)) }

// ended is what a command returns that has come to an exit code.
func ended(code int) error {
	if code == exitOK {
		return nil
	}
	return status(code)
}

// usageError is a mistake on the command line. It is one line, and says where help is.
type usageError struct{ said string }

func (u usageError) Error() string { return u.said }

// misused is a usageError about a command; what ends it says where help is.
func misused(cmd *cobra.Command, format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...) + "; see " + cmd.CommandPath() + " --help"}
}

// unlisted is a usageError about a suite or test that there is not.
func unlisted(format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...) + "; see badgateway list"}
}

// didYouMean ends a message about a word that is not among those that could have been meant; nothing if none is near.
func didYouMean(word string, meant []string) string {
	words := &cobra.Command{SuggestionsMinimumDistance: 2} // cobra's own measure, for words that are no commands too
	for _, m := range meant {
		words.AddCommand(&cobra.Command{Use: m, Run: func(*cobra.Command, []string) {}})
	}
	near := words.SuggestionsFor(word)
	if word == "" || len(near) == 0 {
		return ""
	}
	const few = 3
	return fmt.Sprintf(" (did you mean %s?)", strings.Join(near[:min(few, len(near))], " or "))
}

// knownCommand refuses whatever is no command.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return misused(cmd, "unknown command %q%s", args[0], didYouMean(args[0], commandNames(cmd)))
}

func commandNames(root *cobra.Command) (names []string) {
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	return names
}

// flagError says what is wrong with a flag, and which may have been meant.
func flagError(cmd *cobra.Command, err error) error {
	said := err.Error()
	if unknown, is := errors.AsType[*pflag.NotExistError](err); is {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		said = "unknown flag --" + unknown.GetSpecifiedName()
		if shorthands := unknown.GetSpecifiedShortnames(); shorthands != "" {
			said = "unknown flag -" + shorthands
		}
		switch meant := didYouMean("--"+unknown.GetSpecifiedName(), names); {
		case meant != "":
			said += meant
		case strings.HasPrefix(said, "unknown flag -bg") || strings.HasPrefix(said, "unknown flag --bg"):
			said += ", which is one of go test"
		}
	}
	return misused(cmd, "%s", said)
}

// knownProfile is a usageError about a profile that there is not.
func knownProfile(cmd *cobra.Command, typed string) error {
	if profileTyped[typed] == 0 {
		return misused(cmd, "--profile %s, want smoke, ci or nightly", typed)
	}
	return nil
}

// takes checks that there are as many arguments as are named, e.g. takes("DIR", "TEST"); those in brackets may be left out.
func takes(named ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		least := 0
		for _, n := range named {
			if !strings.HasPrefix(n, "[") {
				least++
			}
		}
		switch {
		case len(args) < least:
			return misused(cmd, "%s: no %s given", cmd.Name(), strings.Join(named[len(args):least], " and no "))
		case len(args) > len(named):
			return misused(cmd, "%s: unexpected argument %q", cmd.Name(), args[len(named)])
		}
		return nil
	}
}

// newHelpCommand is cobra's, but takes a word that is no command for the mistake that it is.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "help [COMMAND]",
		Short:             "say what a command does, as its --help",
		Long:              "help says what a command does, as its --help does. It never does anything else.",
		Example:           "  badgateway help judge",
		Args:              takes("[COMMAND]"),
		ValidArgsFunction: completeThen(completeCommand),
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return knownCommand(cmd.Root(), args)
			}
			found.InitDefaultHelpFlag() // else help would not name it
			return found.Help()
		},
	}
}
