// Package semantics asks each gateway how it tells its clients what went wrong behind it: one broken backend, one kind of
// failure at a time, with the gateway's own defaults.
//
//	client ----- gateway --X-- backend
//	        ?                            a status, and which; half an answer; or the end of the connection, without a word
//
// What it comes to on every gateway is the table in docs/semantics.md, which is made of a run.
package semantics

import (
	"testing"

	"github.com/badgateway/badgateway/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
