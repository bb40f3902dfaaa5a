package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/reports"
)

func newReportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "report RUN",
		Short: "print the table of a run, and render it as a page and for machines",
		Long: `report prints what each scenario of a run came to on each gateway, with its numbers, and what broken-off runs left; and it
writes into the run's folder, from what was saved: results.json, and rendered from that index.html, junit.xml, summary.md,
benchmarks.txt for benchstat, and metrics.txt (OpenMetrics). Where a hosted CI names a file for the summary of a job
(GITHUB_STEP_SUMMARY), it gets summary.md as well.
RUN is a run's folder, the parent of several, as of the shards of one, or a results.json. The exit code is that of the run
(badgateway --help lists them). It never judges and needs no gateway.`,
		Example: `  badgateway report reports/runs/20261122-013000
  badgateway report reports/runs`,
		Args:              takes("RUN"),
		ValidArgsFunction: completeThen(completeRun),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := reports.Open(args[0])
			if err != nil {
				for _, problem := range run.Problems {
					fmt.Fprintln(cmd.OutOrStdout(), problem)
				}
				return err
			}
			if err := show(cmd.OutOrStdout(), run); err != nil {
				return err
			}
			return ended(codeOfRun(run))
		},
	}
}

// show prints a run, and writes its faces.
func show(w io.Writer, run reports.Run) error {
	for _, problem := range run.Problems {
		fmt.Fprintln(w, problem)
	}
	if err := reports.Table(w, run.Results); err != nil {
		return err
	}
	if err := run.WriteFaces(); err != nil {
		return err
	}
	fmt.Fprintln(w, "as a page:", filepath.Join(run.Dir, reports.PageFile))
	if summary := os.Getenv("GITHUB_STEP_SUMMARY"); summary != "" {
		return run.AppendSummary(summary)
	}
	return nil
}

// codeOfRun is the exit code of a run. A file that cannot be read is the harness's failure, since it may have held anything.
func codeOfRun(run reports.Run) int {
	if len(run.Problems) > 0 {
		return exitHarness
	}
	return codeOf(run.Results, run.Strict())
}

func newMatrixCommand() *cobra.Command {
	var html bool
	cmd := &cobra.Command{
		Use:   "matrix RUN [SUITE/TEST]",
		Short: "print what scenarios came to on gateways as one table",
		Long: `matrix prints, as a Markdown table, what each scenario of a run came to on each gateway and version; with a SUITE/TEST, the
outcomes of the scenarios of that test by gateway. RUN is as for report. With --html the table is a page.
It never judges, never writes, and needs no gateway.`,
		Example: `  badgateway matrix reports/runs/20261122-013000
  badgateway matrix reports/runs/20261122-013000 idleclose/TestOutcomes
  badgateway matrix --html reports/runs/20261122-013000`,
		Args:              takes("RUN", "[SUITE/TEST]"),
		ValidArgsFunction: completeThen(completeRun, completeTest),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := reports.Open(args[0])
			switch {
			case err != nil:
				return err
			case html && len(args) > 1:
				return misused(cmd, "--html is for the whole run, not for %s", args[1])
			case html:
				return run.HTMLMatrix(cmd.OutOrStdout())
			case len(args) > 1:
				return reports.Matrix(cmd.OutOrStdout(), run.Results, args[1])
			}
			return run.Matrix(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&html, "html", false, "a page instead of Markdown")
	return cmd
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
