// Package filelock lets processes wait for each other by locks on files (flock(2)). A lock belongs to the open file, so it is
// between goroutines of one process just as it is between processes, and the kernel lets go of it however its holder ends.
package filelock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Release lets go of a lock.
type Release func() error

// Exclusive waits until nobody else has the lock of the file at the path, and takes it. The file is created where there is none.
func Exclusive(ctx context.Context, path string) (Release, error) {
	return take(ctx, path, syscall.LOCK_EX)
}

// Shared waits until nobody has the lock of the file at the path exclusively, and takes it beside others. The file is created
// where there is none.
func Shared(ctx context.Context, path string) (Release, error) {
	return take(ctx, path, syscall.LOCK_SH)
}

// Try takes the lock of an open file exclusively, unless another open file has it.
func Try(file *os.File) (held bool, err error) {
	err = flock(file, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

func take(ctx context.Context, path string, how int) (Release, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := wait(ctx, file, how); err != nil {
		return nil, err
	}
	return file.Close, nil
}

// wait waits for the lock of the file, and closes it if there is none to be had. The kernel's wait cannot be called off: whoever
// no longer wants the lock leaves that to somebody who lets go of it at once.
func wait(ctx context.Context, file *os.File, how int) error {
	var err error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = flock(file, how)
	}()
	select {
	case <-ended:
		if err != nil {
			return errors.Join(err, file.Close())
		}
		return nil
	case <-ctx.Done():
		go func() {
			<-ended
			_ = file.Close()
		}()
		return context.Cause(ctx)
	}
}

func flock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
