// Package contract proves a gateway's folder right: that the gateway is ready when it is said to be, passes requests and
// answers on as they are, tells its version, takes another list of backends over, stops in order, and really does what
// its capabilities claim. Run it against a folder of your own before any other suite:
//
//	go test ./suites/contract -bg.gateway=./my-gateway
package contract

import (
	"testing"

	"github.com/badgateway/badgateway/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
