package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/badgateway/badgateway/harness/lab"
)

func newCleanCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "clean",
		Short: "remove containers and networks whose test process is gone",
		Long: `clean removes what killed runs left on the container engine: containers and networks with badgateway's own labels whose
test process is gone. It never touches those of a living run, nor anybody else's, nor images, nor saved runs.`,
		Example:           `  badgateway clean`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ended(clean(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr()))
		},
	}
}

func clean(ctx context.Context, out, errOut io.Writer) int {
	if err := lab.Engine(ctx); err != nil {
		fmt.Fprintln(out, "nothing to clean:", err)
		return exitOK
	}
	done, err := lab.Clean(ctx)
	for _, line := range done {
		fmt.Fprintln(out, line)
	}
	if err != nil {
		fmt.Fprintln(errOut, "badgateway:", err)
		return exitHarness
	}
	if len(done) == 0 {
		fmt.Fprintln(out, "nothing to clean")
	}
	return exitOK
}
