// Package clients has clients that misbehave: they go away while they wait, in the middle of an upload or of an answer, or
// are merely slow.
//
//	client --x    gateway ------ backend        nobody behind the client has failed
//	                 |                |
//	             is it told?      does it go on working for nobody?
//
// The gateway must not take it for a failure of the backend, nor try it again, nor let a part of an upload pass for the
// whole; and it should tell the backend, so that nothing is done for nobody. Other clients, on a stream beside it, must not
// notice anything.
package clients

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

func TestMain(m *testing.M) { harness.Main(m) }

// The paths of those who misbehave and of those who do not.
const (
	theirs = "/reports"
	others = "/orders"
)

// beside sends 20 requests of theirs and 20 of others beside them, each 100 ms apart: together more than the 29 that a
// promise of none needs, and few enough a second for a stall of the machine to delay no more than a few.
func beside(what load.Source) load.Together {
	return load.Together{
		{Load: load.Constant{Rate: 10, For: 2 * time.Second, Request: what}},
		{Name: "control", Load: load.Constant{Rate: 10, For: 2 * time.Second, Request: load.GET(others)}},
	}
}

// unnoticed promises that nobody's request fails: what a client has broken off itself is no failure, and the others are not
// concerned. Nothing is tried again.
func unnoticed(during record.Phase) expect.All {
	return expect.All{expect.Failures(during).None(), expect.AttemptsOver(1, during).None()}
}

// served promises that everybody gets what they have asked for. A client that is told that it has gone (499) is not.
func served(during record.Phase) expect.All {
	return expect.All{expect.Unserved(during).None(), expect.AttemptsOver(1, during).None()}
}

// policies are the gateway's own defaults, and a health check that puts a backend aside for a second after a single
// failure: a client that goes away is none.
var policies = map[string]topology.Policy{
	"default": {},
	"health":  {PassiveHealth: topology.PassiveHealth{Failures: 1, Eject: time.Second}},
}

// ofTheirs are the requests that misbehave.
var ofTheirs = fault.All().OfPath(theirs)
