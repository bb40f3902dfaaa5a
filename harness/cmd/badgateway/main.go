// Command badgateway shows what runs left behind and removes what a killed one left running.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/badgateway/badgateway/harness/lab"
	"github.com/badgateway/badgateway/reports"
)

const usage = `badgateway shows what runs left behind and removes what a killed one left running.

usage:
  badgateway report DIR    print the table of a run's folder (or of several: their parent)
  badgateway clean         remove containers and networks whose test process is gone

Scenarios are run by go test: go test ./suites/... -bg.gateway=nginx@1.30
`

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitHarness = 4
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	command, rest := "", args
	if len(args) > 0 {
		command, rest = args[0], args[1:]
	}
	switch {
	case command == "report" && len(rest) == 1:
		return report(rest[0], out, errOut)
	case command == "clean" && len(rest) == 0:
		return clean(ctx, out, errOut)
	case command == "help" || command == "-h" || command == "--help":
		fmt.Fprint(out, usage)
		return exitOK
	}
	if len(args) > 0 {
		fmt.Fprintf(errOut, "badgateway: cannot make sense of %q\n\n", args)
	}
	fmt.Fprint(errOut, usage)
	return exitUsage
}

func report(dir string, out, errOut io.Writer) int {
	results, err := reports.LoadAll(dir)
	if err == nil {
		err = reports.Table(out, results)
	}
	if err != nil {
		fmt.Fprintln(errOut, "badgateway:", err)
		return exitHarness
	}
	for _, r := range results {
		if r.NotRun == "" && !reports.Green(r.Ruling, false) {
			return exitFailed
		}
	}
	return exitOK
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
