// Package protocol has backends that speak HTTP/1 in ways which are allowed, or nearly so, and rare enough for a gateway to
// get them wrong: an old version, an interim answer, an answer that does not wait for its request, two lengths.
//
//	client ----- gateway ----- backend
//	                |   request ->
//	                |          <- 102 Processing      is that the answer?
//	                |          <- 200 OK              or is this the answer to the next request?
//
// What is allowed must go through and what is not must become a 502, and neither may leave anything behind on a connection
// that somebody else's request comes next on.
package protocol

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

func TestMain(m *testing.M) { harness.Main(m) }

// pooled asks for the pool that some gateways have only when asked: without one nothing can be left behind on a connection.
var pooled = topology.Policy{UpstreamKeepAlive: topology.On}

// steady is 40 requests, 50 ms apart: none of 40 is enough for a promise of none (29 are), where a fault touches every
// request and what it does is no matter of chance. At no more than 20 a second a stall of the machine delays two or three.
func steady(what load.Source) load.Constant {
	return load.Constant{Rate: 20, For: 2 * time.Second, Request: what}
}

// either draws methods that gateways treat differently, so that one attempt is seen to be one and two to be two.
var either = load.Mix{load.GET("/orders"), load.POST("/orders")}

// unnoticed promises that nobody's request fails, and that none had to be sent again.
func unnoticed(during record.Phase) expect.All {
	return expect.All{expect.Failures(during).None(), expect.AttemptsOver(1, during).None()}
}
