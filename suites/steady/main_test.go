// Package steady is the control of all other suites: nothing is broken, so nothing may fail.
//
//	client ====== gateway ====== backends
//	    every connection as fast as it goes
//
// Field reports speak of 0.001 %. That few failures cannot be seen in a minute's log, but their absence can be proved: n
// requests without a failure put the share under 3/n, with 95 % confidence.
package steady

import (
	"testing"

	"github.com/badgateway/badgateway/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
