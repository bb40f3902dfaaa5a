// Package uwsgi is a report of Traefik 1.7 in front of uWSGI: 2 to 3.5 % of the POSTs of a login got a 500 or a 502, until
// uWSGI was told to keep its connections open (catalogue 4.2).
//
//	ab: HTTP/1.0, POST, 20 at a time ----- Traefik ===== pool ===== uWSGI's HTTP router
//	                                           |   answer, then FIN   |
//
// The router closes each connection behind its answer, and does not say so in it. A gateway that has put the connection
// into its pool and sends the next request on it before it has seen the end loses that request.
package uwsgi

import (
	"testing"

	"github.com/badgateway/badgateway/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
