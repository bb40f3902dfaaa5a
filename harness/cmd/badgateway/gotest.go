package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// goTest runs go test in a folder until it ends by itself: signals are passed on to it, and it takes down what it has
// started. A second signal makes it end at once.
func goTest(ctx context.Context, dir string, out, errOut io.Writer, args ...string) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := context.Cause(ctx); err != nil { // a signal that came before is not passed on
		return err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "go", append([]string{"test", "-count=1"}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, errOut
	apart(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = pass(cmd, s) // it has just ended
		case err := <-ended:
			return err
		}
	}
}
