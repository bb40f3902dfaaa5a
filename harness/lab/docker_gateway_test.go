package lab

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// What the kernel says of a process decides whether it will receive a SIGHUP (signal 1) that is sent now.
func TestCatchesNext(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{
		"Name:\tnginx\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\nSigCgt:\t0000000018016a07\n": true,
		"SigPnd:\t0000000000000000\nShdPnd:\t0000000000000001\nSigCgt:\t0000000018016a07\n":               false, // one waits
		"SigPnd:\t0000000000000001\nShdPnd:\t0000000000000000\nSigCgt:\t0000000018016a07\n":               false,
		"SigPnd:\t0000000000000000\nShdPnd:\t0000000000000002\nSigCgt:\t0000000018016a07\n":               true,  // another one does
		"SigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\nSigCgt:\t0000000018016a06\n":               false, // it has no handler yet
		"": true,
	} {
		assert.Equal(t, want, catchesNext(status, "HUP"), status)
	}
}
