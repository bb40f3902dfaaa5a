// Package example is the suite that docs/writing-a-scenario.md writes, step by step.
//
//	client ----- gateway --+-- orders-1
//	                       +-- orders-2   drops what it is sent, for a second
//	                       +-- orders-3
package example

import (
	"testing"

	"github.com/badgateway/badgateway/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
