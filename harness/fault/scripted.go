package fault

import (
	"fmt"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/harness/victim"
)

// What the faults that a rule of the backend carries out have in common.

var (
	anyUnit     = []victim.Unit{victim.Requests, victim.Connections}
	connections = []victim.Unit{victim.Connections}

	onReuse    = Act{On: Replica, Holds: "requests on used connections", Chooses: anyUnit}
	onRequest  = Act{On: Replica, Holds: "requests", Chooses: anyUnit}
	onAnswered = Act{On: Replica, Holds: "answered connections", Chooses: anyUnit}
	onIdle     = Act{On: Replica, Holds: "idle connections", Chooses: connections}
	onReady    = Act{On: Replica, Holds: "readiness checks", Chooses: []victim.Unit{victim.Requests}}
	onAccept   = Act{On: Replica, Holds: "accepted connections", Chooses: connections, Direct: true}
	onPackets  = Act{On: Replica, Holds: "packets", Needs: []Need{Firewall}, Direct: true}
	onConnect  = Act{On: Replica, Holds: "new connections", Direct: true}
)

// direct is the act of a fault that needs a direct link.
func (a Act) direct(needed bool) Act {
	a.Direct = needed
	return a
}

// Point is a place in an exchange between the gateway and a backend.
type Point = backend.Point

// The points, in their order.
const (
	BeforeBody   = backend.BeforeBody
	BeforeAnswer = backend.BeforeAnswer
	InStatusLine = backend.InStatusLine
	InHeaders    = backend.InHeaders
	AfterHeaders = backend.AfterHeaders
	InBody       = backend.InBody
)

// pointName names a point in the words of a fault, e.g. "in the body".
func pointName(p Point) string {
	words := map[Point]string{
		BeforeBody: "before the request's body is read", BeforeAnswer: "before the response", InStatusLine: "in the status line",
		InHeaders: "in the headers", AfterHeaders: "after the headers", InBody: "in the body",
	}
	if words[p] == "" {
		return "at no known point"
	}
	return words[p]
}

// Framing is how the end of an answer's body is told.
type Framing = backend.Framing

// The framings. The zero Framing is what the request asks for.
const (
	ByLength = backend.ByLength
	ByChunks = backend.ByChunks
	ByClose  = backend.ByClose
)

func framed(f Framing) string {
	if f == "" {
		return ""
	}
	return ", framed by " + string(f)
}

func announced(yes bool) string {
	if yes {
		return ", announced"
	}
	return ""
}

// validate checks the rule of a fault, which names it.
func validate(name string, r backend.Rule) error {
	r.ID = name
	return r.Validate()
}

// validateEnd is validate for a fault that has to end connections.
func validateEnd(name string, r backend.Rule) error {
	if r.End != FIN && r.End != RST {
		return fmt.Errorf("%s: want FIN or RST", name)
	}
	return validate(name, r)
}
