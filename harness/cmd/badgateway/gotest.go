package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/badgateway/badgateway/harness/lab"
)

// goTest runs go test in a folder until it ends by itself: signals are passed on to it, and it takes down what it has
// started. A second signal makes it end at once.
func goTest(ctx context.Context, dir string, out, errOut io.Writer, args ...string) error {
	return goTestHolding(ctx, nil, dir, out, errOut, args...)
}

// goTestHolding is goTest with a folder held, by this process and by go test for as long as that lives.
func goTestHolding(ctx context.Context, held *os.File, dir string, out, errOut io.Writer, args ...string) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := context.Cause(ctx); err != nil { // a signal that came before is not passed on
		return err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "go", append([]string{"test", "-count=1"}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, out, errOut, environment()
	if held != nil {
		cmd.ExtraFiles = []*os.File{held}
	}
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
			_, _ = lab.Sweep(context.WithoutCancel(ctx)) // what suites have handed on; what stays is swept by the next run
			return err
		}
	}
}

// theirs are settings that somebody may have for their own runs, and that a command says by itself where it says them at all.
var theirs = []string{"GATEWAY", "SEED", "OUT", "KEEP", "REPLAY", "PROFILE", "STRICT", "RESUME", "SHARD", "DRY"}

// environment is that of this process without those. Suites hand on to each other what scenarios share, unless somebody wants
// that otherwise.
func environment() []string {
	own := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		of, is := strings.CutPrefix(name, "BADGATEWAY_")
		return is && slices.Contains(theirs, of)
	})
	return append([]string{"BADGATEWAY_SANDBOXES=run"}, own...) // of two of one name the last counts
}

// lockFile is what is locked of a folder.
const lockFile = "lock"

// hold makes a folder, and keeps others from working in it until the file is closed by this process and by every child that
// was given it.
func hold(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := lock(file); err != nil {
		return nil, errors.Join(fmt.Errorf("another badgateway, or a go test that one has left behind, works in %s", dir), file.Close())
	}
	return file, nil
}
