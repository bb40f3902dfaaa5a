package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/badgateway/badgateway/reports"
)

func newTrendCommand() *cobra.Command {
	var add []string
	cmd := &cobra.Command{
		Use:   "trend [FOLDER]",
		Short: "say what has changed over many runs, and draw it as a page",
		Long: `trend reads the small files that nightly runs leave in a FOLDER (default: reports/runs/trend), says since when a scenario
fails more or less often than before, and which verdicts turned in the last run, and writes trend.html there. At most 1 trend
in 20 in which nothing changed shows a change anywhere. --add takes in further runs first, as those of another machine.
It never runs anything and never removes a file.`,
		Example: `  badgateway trend
  badgateway trend --add reports/runs/20261122-013000 history`,
		Args: takes("[FOLDER]"),
		ValidArgsFunction: completeThen(func(*cobra.Command, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		}),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := filepath.Join(runFolder(), trendFolder)
			if len(args) > 0 {
				dir = args[0]
			}
			for _, path := range add {
				run, err := reports.Open(path)
				if err != nil {
					return err
				}
				if _, err := run.Point().Keep(dir); err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
			}
			return trend(cmd.OutOrStdout(), dir)
		},
	}
	cmd.Flags().StringSliceVar(&add, "add", nil, "`RUNS` to take in first: folders, or files results.json")
	return cmd
}

// trend says what has changed, and draws it.
func trend(w io.Writer, dir string) error {
	t, err := reports.LoadTrend(dir)
	if err != nil {
		return err
	}
	if err := t.Text(w); err != nil {
		return err
	}
	path, err := t.WriteHTML(dir)
	if err == nil {
		_, err = fmt.Fprintln(w, "as a page:", path)
	}
	return err
}
