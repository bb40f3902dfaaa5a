//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// apart puts a child into a process group of its own: Ctrl-C on a terminal then reaches this process alone, and what is
// started by the child hears of it exactly once, from pass.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// pass passes a signal on to the child and everything that it started.
func pass(cmd *exec.Cmd, s os.Signal) error {
	return syscall.Kill(-cmd.Process.Pid, s.(syscall.Signal))
}

// hold keeps others from working in a folder, until the file is closed by this process and by every child that was given it.
func hold(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another badgateway, or a go test that one has left behind, works in %s", dir), file.Close())
	}
	return file, nil
}
