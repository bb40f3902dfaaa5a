// Package models are servers that people put behind a gateway, as far as a gateway can tell them from others: each is a
// fault or two with the name of what behaves like that.
package models

import (
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/topology"
)

// UwsgiHTTPRouter is uWSGI behind its own HTTP router without http-keepalive: it answers with HTTP/1.1 and does not say that
// it will close the connection, which it then does (catalogue 4.2; uwsgi-docs, HTTP.rst).
func UwsgiHTTPRouter(on topology.Target) fault.Window {
	return fault.Window{On: on, Inject: fault.CloseAfterResponse{By: fault.FIN}}
}
