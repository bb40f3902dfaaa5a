// Package idleclose breaks what every gateway with a connection pool risks: a backend closes an idle connection while a
// request is on its way to it.
//
//	client ----- gateway ===== pool ===== backend
//	                |  request ->      <- FIN  |      the request meets a closed connection
//
// RFC 9110, section 9.2.2, lets the gateway send it again if the method is idempotent. A POST cannot be sent again
// safely, so it fails, unless the gateway gives idle connections up before the backend does.
package idleclose

import (
	"testing"

	"github.com/badgateway/badgateway/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
