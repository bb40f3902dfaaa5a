//go:build !unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
)

// apart does nothing: the console tells every process of Ctrl-C by itself.
func apart(*exec.Cmd) {}

// pass does nothing, for the same reason.
func pass(*exec.Cmd, os.Signal) error { return nil }

// hold does not keep others from the folder here.
func hold(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o644)
}
