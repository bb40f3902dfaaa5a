package resets

import (
	"strings"
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
)

// The connection ends in the status line or in the headers (catalogue C3). There is no answer yet, and what there is of one
// must not reach the client: it is told with 502, and not with a 500, which says that the gateway itself is broken.
func TestHeadCutOff(t *testing.T) {
	for name, at := range map[string]fault.Point{"status-line": fault.InStatusLine, "headers": fault.InHeaders} {
		for _, by := range ends {
			t.Run(name+"-"+string(by), func(t *testing.T) {
				t.Parallel()
				onEveryIn(t, onlyIf(at == fault.InHeaders), fault.CloseInHead{At: at, By: by}, steady(load.GET("/orders")),
					expect.FailuresBut(always, 502).None(),
					expect.AttemptsOver(1, always).None())
			})
		}
	}
}

// What comes is no HTTP/1 (catalogue C8): a status that is no number, one of two digits, or a header line without a colon.
// None of it reaches the client, which is told with 502; the 2 s for which it waits are a hundred times what that takes. The
// catalogue has HAProxy refuse all of them: it hands on a status of two digits, and Traefik's fast proxy does not survive one.
func TestMalformed(t *testing.T) {
	for _, as := range []fault.Malformation{fault.BadStatusLine, fault.ShortStatus, fault.BadHeader} {
		t.Run(strings.ReplaceAll(string(as), " ", "-"), func(t *testing.T) {
			t.Parallel()
			onEvery(t, fault.MalformResponse{As: as}, patient,
				expect.Status(200, always).None(),
				expect.FailuresBut(always, 502).None())
		})
	}
}

// patient waits 2 s for an answer. 30 connections are enough to judge even where each of their requests takes all of it.
var patient = load.Closed{
	Connections: 30, Think: 300 * time.Millisecond, For: time.Second, Request: load.GET("/orders"), Timeout: 2 * time.Second,
}

// The status line of HTTP/2.0 before what is otherwise HTTP/1.1 (catalogue C8). A gateway may refuse another major version,
// with 502, or read it as what it looks like. But then it tells its client its own version (RFC 9112, section 2.3):
// HTTP/2.0 in a status line is nothing that one could read.
func TestOtherVersion(t *testing.T) {
	t.Parallel()
	onEvery(t, fault.MalformResponse{As: fault.OtherVersion}, patient, expect.FailuresBut(always, 502).None())
}
