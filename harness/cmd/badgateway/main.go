// Command badgateway tells what there is to run and what it does, fetches what it needs beforehand, and shows, judges again
// and removes what runs left behind. Scenarios are run by go test.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes; those of a run are its gravest ruling.
const (
	exitOK           = 0
	exitFailed       = 1
	exitUsage        = 2
	exitInconclusive = 3
	exitHarness      = 4
)

const rootLong = `badgateway finds the 502 before your users do. Scenarios are run by go test:

  go test ./suites/... -bg.gateway=nginx@1.30

This command is what goes with it: it tells what there is to run and what it does, fetches what it needs beforehand,
compares versions, and shows, judges again and removes what runs left behind. What it runs, go test runs for it.

Suites are those of the module that the working directory lies in: the clone of badgateway, or your own. There,
  go get -tool github.com/badgateway/badgateway/harness/cmd/badgateway
makes it "go tool badgateway". In the clone it is "go run ./harness/cmd/badgateway", but go run turns every code into 1.

A SELECTION of gateways is what -bg.gateway takes: nginx (the newest), nginx@1.26, nginx@all, all, ./my-gateway, or
several with commas in between.

Exit codes:
  0  done; of a run: everything passed, or is a known deviation
  1  a promise was broken, what was asked for cannot be had, or it was interrupted
  2  the command line makes no sense; one line says why
  3  inconclusive: the run could not tell
  4  the harness failed, which says nothing about a gateway
Of a run the gravest one counts: the harness's failure (4) before a broken promise (1) before what is inconclusive (3).

Output has no colours, so that NO_COLOR has nothing to change.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	root := newRootCommand()
	if args == nil {
		args = []string{} // cobra takes those of the process for nil
	}
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	completeShells(root) // it keeps what it writes to
	err := root.ExecuteContext(ctx)
	var code status
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case ctx.Err() != nil: // whatever else is wrong comes of it
		fmt.Fprintln(errOut, "badgateway: interrupted")
		return exitFailed
	}
	fmt.Fprintln(errOut, "badgateway:", err)
	if _, is := errors.AsType[usageError](err); is {
		return exitUsage
	}
	return exitHarness
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "badgateway",
		Short: "what goes with the suites of badgateway: lists, explains, compares, reports, judges again, cleans up",
		Long:  rootLong,
		Example: `  badgateway list
  badgateway explain idleclose/TestRace
  badgateway gateways nginx@all,stdlib
  badgateway compare nginx@1.26 nginx@1.30 --suite idleclose
  badgateway judge reports/runs/20261122-013000`,
		Args: knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			return errors.Join(cmd.Help(), status(exitUsage))
		},
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelpCommand())
	root.AddCommand(
		newListCommand(), newExplainCommand(), newJudgeCommand(), newCompareCommand(), newNightlyCommand(), newTrendCommand(),
		newReportCommand(), newMatrixCommand(), newSemanticsCommand(), newExperimentsCommand(),
		newGatewaysCommand(), newImagesCommand(), newDoctorCommand(), newCleanCommand(),
	)
	return root
}
