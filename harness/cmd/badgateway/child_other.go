//go:build !unix

package main

import (
	"os"
	"os/exec"
)

// apart does nothing: the console tells every process of Ctrl-C by itself.
func apart(*exec.Cmd) {}

// pass does nothing, for the same reason.
func pass(*exec.Cmd, os.Signal) error { return nil }

// lock keeps nobody from the file here.
func lock(*os.File) error { return nil }
