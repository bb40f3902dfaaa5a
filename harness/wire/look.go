package wire

import (
	"errors"
	"net"
	"syscall"
)

// Sight is what is to be seen of a connection that nobody is reading.
type Sight int

// The sights.
const (
	// Quiet is an open connection with nothing to read. It is also what is said of one that cannot be looked at.
	Quiet Sight = iota
	// Readable is a connection with something to read.
	Readable
	// Ended is a connection that the other side has closed or reset.
	Ended
)

// Look looks at what the kernel holds of a connection, without taking or waiting.
func Look(tcp net.Conn) Sight { return NewWatch(tcp).Look() }

// Watch is for whoever looks at a connection many times.
type Watch struct {
	control syscall.RawConn // nil if it cannot be looked at
	look    func(fd uintptr)
	sight   Sight
}

// NewWatch returns the watch of a connection.
func NewWatch(tcp net.Conn) *Watch {
	w := &Watch{}
	raw, ok := tcp.(syscall.Conn)
	if !ok {
		return w
	}
	control, err := raw.SyscallConn()
	if err != nil {
		return w
	}
	w.control = control
	var one [1]byte
	w.look = func(fd uintptr) {
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case n > 0:
			w.sight = Readable
		case errors.Is(err, syscall.EAGAIN):
			w.sight = Quiet
		default:
			w.sight = Ended
		}
	}
	return w
}

// Look looks again. Deadlines of the connection, passed or not, do not matter.
func (w *Watch) Look() Sight {
	if w.control == nil {
		return Quiet
	}
	if w.control.Control(w.look) != nil {
		return Ended
	}
	return w.sight
}
