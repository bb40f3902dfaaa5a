// Command badgateway tells what can run on this machine, fetches it beforehand, and shows and removes what runs left behind.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/badgateway/badgateway/harness/lab"
	"github.com/badgateway/badgateway/reports"
)

const usage = `badgateway tells what can run here, fetches it beforehand, and shows and removes what runs left behind.

usage:
  badgateway gateways [SELECTION]  list gateways, how each is had here, and what it can be asked to do; fetches nothing
  badgateway images [SELECTION]    pull or build the images of gateways, the backend and Toxiproxy now
  badgateway doctor                check this machine, and say how to mend what is in the way
  badgateway report DIR            print the table of a run's folder (or of several: their parent)
  badgateway matrix DIR TEST       print a test's outcomes by gateway as Markdown, e.g. idleclose/TestOutcomes
  badgateway semantics DIR         print what clients are told when a backend fails, by gateway and version, as Markdown
  badgateway experiments DIR       print what fixes came to that were put to the test, by gateway, as Markdown
  badgateway clean                 remove containers and networks whose test process is gone

A selection is what -bg.gateway takes: nginx (the newest), nginx@1.26, nginx@all, all (the default), ./my-gateway, or
several with commas in between. Scenarios are run by go test: go test ./suites/... -bg.gateway=nginx@1.30
`

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitHarness = 4
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	command, rest := "", args
	if len(args) > 0 {
		command, rest = args[0], args[1:]
	}
	switch {
	case command == "gateways" && len(rest) <= 1:
		return listGateways(ctx, selectionOf(rest), out, errOut)
	case command == "images" && len(rest) <= 1:
		return obtainImages(ctx, selectionOf(rest), out, errOut)
	case command == "doctor" && len(rest) == 0:
		return doctor(ctx, out, errOut)
	case command == "report" && len(rest) == 1:
		return report(rest[0], out, errOut)
	case command == "matrix" && len(rest) == 2:
		return table(rest[0], errOut, func(results []reports.Result) error { return reports.Matrix(out, results, rest[1]) })
	case command == "semantics" && len(rest) == 1:
		return table(rest[0], errOut, func(results []reports.Result) error { return reports.Semantics(out, results) })
	case command == "experiments" && len(rest) == 1:
		return table(rest[0], errOut, func(results []reports.Result) error { return reports.Experiments(out, results) })
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

// selectionOf is what was typed, or all.
func selectionOf(args []string) string {
	if len(args) == 0 {
		return "all"
	}
	return args[0]
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
	for _, r := range results {
		if r.NotRun == "" && !reports.Green(r.Ruling, false) {
			return exitFailed
		}
	}
	return exitOK
}

// table prints what is made of a run's results.
func table(dir string, errOut io.Writer, write func([]reports.Result) error) int {
	results, err := reports.LoadAll(dir)
	if err == nil {
		err = write(results)
	}
	if err != nil {
		fmt.Fprintln(errOut, "badgateway:", err)
		return exitHarness
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
