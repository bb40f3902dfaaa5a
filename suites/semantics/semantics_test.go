package semantics

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

// The timeouts asked for where silence is the failure: half a second, which is five times what a stall of a busy machine
// takes. Left to their defaults, gateways wait for a minute, or for ever (catalogue 2.1).
const timeout = 500 * time.Millisecond

// class is one way in which a backend fails.
type class struct {
	inject fault.Fault
	policy topology.Policy
	// begun says that the client has the head of the answer already when it happens: no status can be told any more.
	begun bool
	// smoke makes it part of the smoke profile.
	smoke bool
}

// half of an answer is more than a gateway keeps back: it has begun its own by then.
const half = 32 << 10

var unpooled = topology.Policy{UpstreamKeepAlive: topology.Off, ConnectTimeout: timeout}

var classes = map[string]class{
	"connection refused":              {inject: fault.LinkDown{}},
	"connection accepted, then FIN":   {inject: fault.CloseOnAccept{By: fault.FIN}, policy: topology.Policy{UpstreamKeepAlive: topology.Off}},
	"connection accepted, then RST":   {inject: fault.CloseOnAccept{By: fault.RST}, policy: topology.Policy{UpstreamKeepAlive: topology.Off}},
	"connection not answered":         {inject: fault.DropConnects{}, policy: unpooled},
	"FIN on reuse":                    {inject: fault.CloseOnReuse{By: fault.FIN}},
	"RST on reuse":                    {inject: fault.CloseOnReuse{By: fault.RST}},
	"FIN before the answer":           {inject: fault.CloseBeforeResponse{By: fault.FIN}, smoke: true},
	"RST before the answer":           {inject: fault.CloseBeforeResponse{By: fault.RST}},
	"no answer":                       {inject: fault.HangResponse{At: fault.BeforeAnswer}, policy: topology.Policy{ResponseTimeout: timeout}},
	"FIN in the status line":          {inject: fault.CloseInHead{At: fault.InStatusLine, By: fault.FIN}},
	"FIN in the headers":              {inject: fault.CloseInHead{At: fault.InHeaders, By: fault.FIN}},
	"RST in the headers":              {inject: fault.CloseInHead{At: fault.InHeaders, By: fault.RST}},
	"status line that is none":        {inject: fault.MalformResponse{As: fault.BadStatusLine}},
	"header line that is none":        {inject: fault.MalformResponse{As: fault.BadHeader}},
	"headers of 24 KiB":               {inject: fault.OversizeHeaders{Bytes: 24 << 10}},
	"status 503":                      {inject: fault.ErrorStatus{Status: 503}},
	"FIN in a body with a length":     {inject: fault.CloseInBody{By: fault.FIN, Byte: half, Framing: fault.ByLength}, begun: true},
	"RST in a body with a length":     {inject: fault.CloseInBody{By: fault.RST, Byte: half, Framing: fault.ByLength}, begun: true},
	"FIN in a body of chunks":         {inject: fault.CloseInBody{By: fault.FIN, Byte: half, Framing: fault.ByChunks}, begun: true},
	"RST in a body without an end":    {inject: fault.CloseInBody{By: fault.RST, Byte: half, Framing: fault.ByClose}, begun: true},
	"silence in a body with a length": {inject: fault.HangResponse{At: fault.InBody}, policy: topology.Policy{ReadTimeout: timeout}, begun: true},
}

// What goes wrong behind a gateway is told by a status as long as there is one to be told, is over when its cause is over,
// and makes nobody's POST be executed twice (RFC 9110, sections 9.2.2 and 15.6). Half an answer must not look whole, which
// is promised of every run.
//
// A closed loop, which a stall of the machine does not put in doubt: 36 connections, of which each sends a request every 750 ms
// at least, the time to think and a timeout. 29 are needed to judge a promise of none, so that 600 ms of the second will do when
// the fault comes late. They begin in step: the time to think is such that none of their first requests meets the beginning of the
// fault, of which nobody can say whether it was in force. Recovery takes a second at most, since gateways may try again as seldom
// as once a second by default (HAProxy's turn-around time); about 240 requests come after that, one every 250 ms on each
// connection for 1.7 s. It is looked at with GETs, half of them: the answer to an upload may be cut short by a gateway in Go now
// and then, whatever the backend does (golang/go#40747).
// Whoever is told nothing gives up after 2 s: twice what HAProxy waits before it tries a refused connection again, since a busy
// machine took 1.5 s to answer all that were tried again at once. That leaves time to see the recovery.
func TestFailure(t *testing.T) {
	for name, c := range classes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 1)
			broken := fault.Window{From: 400 * time.Millisecond, For: time.Second, On: orders.Each(), Inject: c.inject}
			promises := expect.All{
				expect.Recovery(broken.After(0)).Where(expect.Method("GET")).Within(time.Second),
				expect.DuplicateExecutions(record.Phase{}).Where(expect.Method("POST")).None(),
			}
			if !c.begun {
				promises = append(promises, expect.FailuresBut(broken.During(), 500, 502, 503, 504).None())
			}
			requests := load.Mix{load.GET("/orders"), load.POST("/orders")}
			if c.begun {
				requests[0].Answer, requests[1].Answer = 2*half, 2*half
			}
			profile := harness.CI
			if c.smoke {
				profile = harness.Smoke
			}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   c.policy,
				Load:     load.Closed{Connections: 36, Think: 250 * time.Millisecond, For: 4100 * time.Millisecond, Timeout: 2 * time.Second, Request: requests},
				Faults:   fault.Schedule{broken},
				Expect:   promises,
				Profile:  profile,
			})
		})
	}
}
