package load

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// errWouldWait is returned in place of waiting.
var errWouldWait = errors.New("nothing has come yet")

// unwaiting is a TCP connection that nobody waits for: reading returns what is there, or errWouldWait, and what cannot be
// written at once is kept. Whoever uses it hears from an epoll when there is more. The runtime knows nothing of it, and so
// does no work for it.
type unwaiting struct {
	fd            int
	local, remote net.Addr
	unsent        []byte
	more          bool // there may be: what was read last has filled all the room there was
}

// stopWaiting returns a connection as one that does not wait, in its place; nil if it cannot be had, and the connection is as
// before then.
func stopWaiting(conn net.Conn) *unwaiting {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	var fd uintptr
	var errno syscall.Errno
	err = raw.Control(func(of uintptr) {
		fd, _, errno = syscall.Syscall(syscall.SYS_FCNTL, of, syscall.F_DUPFD_CLOEXEC, 0)
	})
	if err != nil || errno != 0 {
		return nil
	}
	_ = tcp.Close() // one of two descriptors of the connection, which goes on
	return &unwaiting{fd: int(fd), local: tcp.LocalAddr(), remote: tcp.RemoteAddr()}
}

// wait returns the connection as one that waits again, in its place. It takes a descriptor more for a moment; if there is none
// left, the connection is waited for as the file that it is, and so is one that was reset: net would not learn whose it was.
func (c *unwaiting) wait() net.Conn {
	file := os.NewFile(uintptr(c.fd), "connection")
	conn, err := net.FileConn(file)
	switch {
	case err == nil && conn.RemoteAddr() != nil:
		_ = file.Close() // one of two descriptors of the connection, which goes on
		return conn
	case err == nil:
		_ = conn.Close()
	}
	return asFile{file, c}
}

// asFile is a connection that net has not taken back.
type asFile struct {
	*os.File
	was *unwaiting
}

func (f asFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	return n, f.was.said("read", err)
}

func (f asFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, f.was.said("write", err)
}

func (f asFile) LocalAddr() net.Addr  { return f.was.local }
func (f asFile) RemoteAddr() net.Addr { return f.was.remote }

// said is the error of a file as the connections of net have it.
func (c *unwaiting) said(call string, err error) error {
	var of *os.PathError
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return c.failed(call, errno)
	case errors.As(err, &of): // a deadline
		return &net.OpError{Op: call, Net: "tcp", Source: c.local, Addr: c.remote, Err: of.Err}
	}
	return err
}

func (c *unwaiting) Read(p []byte) (int, error) {
	for {
		//nolint:gosec // the kernel writes to the slice while the call lasts, as the rules of unsafe.Pointer have it
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		c.more = errno == 0 && int(n) == len(p)
		switch {
		case errno == syscall.EINTR:
		case errno == syscall.EAGAIN:
			return 0, errWouldWait
		case errno != 0:
			return 0, c.failed("read", errno)
		case n == 0:
			return 0, io.EOF
		default:
			return int(n), nil
		}
	}
}

func (c *unwaiting) Write(p []byte) (int, error) {
	//nolint:gosec // the kernel reads the slice while the call lasts, as the rules of unsafe.Pointer have it
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	switch errno {
	case 0:
	case syscall.EAGAIN, syscall.EINTR:
		n = 0
	default:
		return 0, c.failed("write", errno)
	}
	c.unsent = append(c.unsent[:0], p[n:]...)
	return len(p), nil
}

// failed is the error as the connections of net have it.
func (c *unwaiting) failed(call string, errno syscall.Errno) error {
	return &net.OpError{Op: call, Net: "tcp", Source: c.local, Addr: c.remote, Err: os.NewSyscallError(call, errno)}
}

func (c *unwaiting) Close() error         { return syscall.Close(c.fd) }
func (c *unwaiting) LocalAddr() net.Addr  { return c.local }
func (c *unwaiting) RemoteAddr() net.Addr { return c.remote }

// The deadlines are for those who wait.

func (c *unwaiting) SetDeadline(time.Time) error      { return nil }
func (c *unwaiting) SetReadDeadline(time.Time) error  { return nil }
func (c *unwaiting) SetWriteDeadline(time.Time) error { return nil }

// SyscallConn is for a look at it.
func (c *unwaiting) SyscallConn() (syscall.RawConn, error) { return descriptor(c.fd), nil }

// descriptor is a file that is there for as long as its user wants.
type descriptor int

func (d descriptor) Control(do func(fd uintptr)) error {
	do(uintptr(d))
	return nil
}

func (descriptor) Read(func(uintptr) bool) error  { return errors.ErrUnsupported }
func (descriptor) Write(func(uintptr) bool) error { return errors.ErrUnsupported }
