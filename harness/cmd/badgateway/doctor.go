package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func newDoctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "check this machine, and say how to mend what is in the way",
		Long: `doctor checks what runs need of this machine (Go, processors, clock, container engine, registries and mirrors), for half a
minute at most, and says how to mend what is in the way. It never mends anything itself, and leaves nothing behind.`,
		Example:           `  badgateway doctor`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ended(doctor(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr()))
		},
	}
}

// level is how grave a finding is.
type level string

const (
	ok   level = "ok"
	warn level = "warn" // something is less than it could be
	fail level = "fail" // not even the embedded gateway runs here
)

// finding is one line of the doctor's.
type finding struct {
	level      level
	what, said string
	mend       string // what to do about it; may be empty
}

func fine(what, said string) finding { return finding{level: ok, what: what, said: said} }

// check looks at one part of the machine.
type check func(context.Context) []finding

// engineLine is the finding that decides whether there are gateways other than the embedded one.
const engineLine = "container engine"

// doctor checks this machine. Only what stops the embedded gateway too makes it fail.
func doctor(ctx context.Context, out, errOut io.Writer) int {
	fmt.Fprintln(errOut, "badgateway: looking around, for half a minute at most ...")
	findings := checkClock(ctx) // by itself, since the other checks keep the machine busy
	findings = append(findings, runChecks(ctx, []check{
		checkGo, checkProcessors, checkRunFolder, checkEngine, checkRegistry, checkMmdebstrap, checkMirror, checkModules,
	})...)
	if ctx.Err() != nil {
		fmt.Fprintln(errOut, "badgateway: interrupted")
		return exitFailed
	}
	if err := diagnosis(out, findings); err != nil {
		fmt.Fprintln(errOut, "badgateway:", err)
		return exitHarness
	}
	if count(findings, fail) > 0 {
		return exitFailed
	}
	return exitOK
}

// runChecks runs all checks at once, for most of them wait for somebody, and returns their findings in order.
func runChecks(ctx context.Context, checks []check) []finding {
	found := make([]chan []finding, len(checks))
	for i, c := range checks {
		found[i] = make(chan []finding, 1)
		go func() { found[i] <- c(ctx) }()
	}
	var all []finding
	for _, f := range found {
		all = append(all, <-f...)
	}
	return all
}

// diagnosis writes a line for each finding and one that sums them up.
func diagnosis(w io.Writer, findings []finding) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		line := f.said
		if f.mend != "" {
			line += " -> " + f.mend
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.level, f.what, strings.Join(strings.Fields(line), " "))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\n"+conclusion(findings))
	return err
}

// conclusion says in one line what can run here.
func conclusion(findings []finding) string {
	can := "scenarios run on every gateway that \"badgateway gateways\" lists as to be had"
	switch {
	case count(findings, fail) > 0:
		can = "no scenario runs here until what failed is mended"
	case slices.ContainsFunc(findings, func(f finding) bool { return f.what == engineLine && f.level != ok }):
		can = "scenarios run on the embedded gateway only"
	}
	return fmt.Sprintf("%d ok, %d warn, %d fail: %s", count(findings, ok), count(findings, warn), count(findings, fail), can)
}

func count(findings []finding, l level) int {
	n := 0
	for _, f := range findings {
		if f.level == l {
			n++
		}
	}
	return n
}
