package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/reports"
)

func newReportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "report DIR",
		Short: "print the table of a run",
		Long: `report prints what each scenario of a run came to on each gateway, with its numbers, and what broken-off runs left.
DIR is a run's folder, or the parent of several. Its exit code is that of the run (badgateway --help lists them).
It never judges, never writes, and needs no gateway.`,
		Example: `  badgateway report reports/runs/20261122-013000
  badgateway report reports/runs`,
		Args:              takes("DIR"),
		ValidArgsFunction: completeThen(completeRun),
		RunE: func(cmd *cobra.Command, args []string) error {
			return ended(report(args[0], cmd.OutOrStdout(), cmd.ErrOrStderr()))
		},
	}
}

func newMatrixCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "matrix DIR SUITE/TEST",
		Short: "print a test's outcomes by gateway as Markdown",
		Long: `matrix prints, as a Markdown table, what each scenario of a test came to on each gateway of a run.
It never judges, never writes, and needs no gateway.`,
		Example:           `  badgateway matrix reports/runs/20261122-013000 idleclose/TestOutcomes`,
		Args:              takes("DIR", "SUITE/TEST"),
		ValidArgsFunction: completeThen(completeRun, completeTest),
		RunE: func(cmd *cobra.Command, args []string) error {
			return table(cmd, args[0], func(w io.Writer, results []reports.Result) error { return reports.Matrix(w, results, args[1]) })
		},
	}
}

func newSemanticsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "semantics DIR",
		Short: "print what clients are told of each failure as Markdown",
		Long: `semantics prints, as Markdown, what clients are told when a backend fails, by gateway and version: what a run of the
suite semantics found. It never judges, never writes, and needs no gateway.`,
		Example:           `  badgateway semantics reports/runs/20261122-013000`,
		Args:              takes("DIR"),
		ValidArgsFunction: completeThen(completeRun),
		RunE:              func(cmd *cobra.Command, args []string) error { return table(cmd, args[0], reports.Semantics) },
	}
}

func newExperimentsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "experiments DIR",
		Short: "print what fixes came to as Markdown",
		Long: `experiments prints, as Markdown, what the fixes came to that a run put to the test, by gateway.
It never judges, never writes, and needs no gateway.`,
		Example:           `  badgateway experiments reports/runs/20261122-013000`,
		Args:              takes("DIR"),
		ValidArgsFunction: completeThen(completeRun),
		RunE:              func(cmd *cobra.Command, args []string) error { return table(cmd, args[0], reports.Experiments) },
	}
}

func report(dir string, out, errOut io.Writer) int {
	brokenOff, err := reports.BrokenOff(dir)
	for _, said := range brokenOff {
		fmt.Fprintln(out, said)
	}
	var results []reports.Result
	if err == nil {
		results, err = reports.LoadAll(dir)
	}
	if err == nil {
		err = reports.Table(out, results)
	}
	if err != nil {
		fmt.Fprintln(errOut, "badgateway:", err)
		return exitHarness
	}
	return codeOf(results, false)
}

// codeOf is the exit code of a run: the gravest of its rulings counts, and a failure of the harness more than one of a
// gateway, since it casts doubt on all the others. What did not run is told, and does not count.
func codeOf(results []reports.Result, strict bool) int {
	code := exitOK
	for _, r := range results {
		switch {
		case r.NotRun != "" || reports.Green(r.Ruling, strict):
		case r.Ruling == expect.Error:
			return exitHarness
		case r.Ruling == expect.Inconclusive && code == exitOK:
			code = exitInconclusive
		case r.Ruling != expect.Inconclusive:
			code = exitFailed
		}
	}
	return code
}

// table prints what is made of a run's results.
func table(cmd *cobra.Command, dir string, write func(io.Writer, []reports.Result) error) error {
	results, err := reports.LoadAll(dir)
	if err != nil {
		return err
	}
	return write(cmd.OutOrStdout(), results)
}
