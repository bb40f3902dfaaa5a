package load

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

// fineTimer is a timer of the kernel (timerfd_create(2)), which goes off some 50 µs after its time. Waiting for it is waiting
// for a file, as for a connection: it takes no thread.
type fineTimer struct{ file *os.File }

const (
	clockMonotonic = 1
	timerFlags     = syscall.O_NONBLOCK | syscall.O_CLOEXEC
)

// newFineTimer returns nil if the kernel gives none.
func newFineTimer() *fineTimer {
	fd, _, errno := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, timerFlags, 0)
	if errno != 0 {
		return nil
	}
	return &fineTimer{file: os.NewFile(fd, "timer")}
}

// wait returns after d, which must be more than 0.
func (f *fineTimer) wait(d time.Duration) error {
	once := struct{ interval, value syscall.Timespec }{value: syscall.NsecToTimespec(d.Nanoseconds())}
	raw, err := f.file.SyscallConn()
	if err != nil {
		return err
	}
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		//nolint:gosec // the kernel reads the struct while the call lasts, as the rules of unsafe.Pointer have it
		_, _, errno = syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, fd, 0, uintptr(unsafe.Pointer(&once)), 0, 0, 0)
	})
	if err != nil {
		return err
	}
	if errno != 0 {
		return errno
	}
	var times [8]byte
	_, err = f.file.Read(times[:])
	return err
}

func (f *fineTimer) close() {
	if f != nil {
		_ = f.file.Close()
	}
}
