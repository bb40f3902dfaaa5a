//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"
)

// apart puts a child into a process group of its own: Ctrl-C on a terminal then reaches this process alone, and what is
// started by the child hears of it exactly once, from pass.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// pass passes a signal on to the child and everything that it started.
func pass(cmd *exec.Cmd, s os.Signal) error {
	return syscall.Kill(-cmd.Process.Pid, s.(syscall.Signal))
}

// lock keeps others from the file until it is closed by this process and by every child that was given it.
func lock(file *os.File) error { return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
