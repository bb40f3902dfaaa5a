// Package models are servers that people put behind a gateway, as far as a gateway can tell them from others: each is a
// fault with the name of what behaves like that.
package models

import (
	"time"

	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/topology"
)

// UwsgiHTTPRouter is uWSGI behind its own HTTP router without http-keepalive: it answers with HTTP/1.1 and does not say that
// it will close the connection, which it then does (catalogue 4.2).
func UwsgiHTTPRouter(on topology.Target) fault.Window {
	return fault.Window{On: on, Inject: fault.CloseAfterResponse{By: fault.FIN}}
}

// IdleAfter is a server that closes a connection when it was unused for a time, just as the gateway sends the next request
// on it: the race is lost on every connection that is used again so late, and not on a few in a million (catalogue A1).
func IdleAfter(on topology.Target, unused time.Duration) fault.Window {
	return fault.Window{On: on, Inject: fault.CloseOnReuse{By: fault.FIN, Idle: unused}}
}

// Terminated is a worker that is ended in the middle of a job that takes too long, as php-fpm ends its own after
// request_terminate_timeout: the work was begun, and no answer comes (catalogue 4.2, line 14).
func Terminated(on topology.Target) fault.Window {
	return fault.Window{On: on, Inject: fault.CloseBeforeResponse{By: fault.FIN, Executed: true}}
}

// SlowThirdParty is a service that asks another one before it can answer, which takes its time (catalogue 4.3, line 4).
func SlowThirdParty(on topology.Target, takes time.Duration) fault.Window {
	return fault.Window{On: on, Inject: fault.DelayResponse{For: takes}}
}

// Saturated is a service with one worker, which takes so long for each request: what comes faster waits in line (catalogue
// 4.3, line 1).
func Saturated(on topology.Target, takes time.Duration) fault.Window {
	return fault.Window{On: on, Inject: fault.QueueRequests{Service: takes, Servers: 1}}
}

// HealthAsksDatabase is a service whose health check asks its database, which is away, though its requests do not need it
// (catalogue 4.5, line 16).
func HealthAsksDatabase(on topology.Target) fault.Window {
	return fault.Window{On: on, Inject: fault.FailHealthChecks{Status: 503}}
}

// Dead is a service that nobody listens for any more: connections are refused.
func Dead(on topology.Target) fault.Window {
	return fault.Window{On: on, Inject: fault.RefuseConnections{}}
}
