package expect

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/stats"
)

// units says what is independent in a phase: requests, or connections if a fault that acts there chose its victims among
// them.
type units struct {
	connections bool
	clients     bool // the connections are the client's
	alone       int  // requests that reached nobody, and share a connection with none
}

// connection is one of the gateway's to a backend, or one of the client's, at a look.
type connection struct {
	look    int
	backend string
	life    int32
	number  int
}

func (e Evidence) units(p record.Phase) units {
	var u units
	for _, look := range e.Looks() {
		for _, i := range look.Injections {
			if i.Unit == record.Connections && (p.Part == record.Whole || i.ID == p.Window) {
				u.connections, u.clients = true, i.Target == client
			}
		}
	}
	return u
}

// client is what the client is called where the replicas have their names.
const client = "client"

// of is the connection that an exchange of a look counts for: that of its first attempt.
func (u *units) of(look int, x record.Exchange) connection {
	switch {
	case u.clients && x.Connection > 0:
		return connection{look: look, backend: client, number: x.Connection}
	case !u.clients && len(x.Arrivals) > 0:
		return connection{look, x.Arrivals[0].Backend, x.Arrivals[0].Life, x.Arrivals[0].Connection}
	default:
		u.alone++
		return connection{number: u.alone}
	}
}

// name names them.
func (u *units) name() string {
	if u.connections {
		return "connections"
	}
	return "requests"
}

// onConnections says on how many connections requests were, where those are the unit.
func (u *units) onConnections(n int) string {
	if !u.connections {
		return ""
	}
	return fmt.Sprintf(" on %d connections, which is what the fault chose", n)
}

// tallied is a share as counted, in the unit that the fault says.
type tallied struct {
	stats.Count
	units
	level stats.Level
	// byConnection is empty where requests are the unit.
	byConnection map[connection]*stats.Count
}

// tally begins to count in a phase.
func (e Evidence) tally(p record.Phase) *tallied {
	return &tallied{units: e.units(p), level: e.level(), byConnection: map[connection]*stats.Count{}}
}

// add counts an exchange of a look.
func (t *tallied) add(look int, x record.Exchange, counts bool) {
	k := 0
	if counts {
		k = 1
	}
	t.K += k
	t.N++
	if !t.connections {
		return
	}
	on := t.of(look, x)
	if t.byConnection[on] == nil {
		t.byConnection[on] = &stats.Count{}
	}
	t.byConnection[on].K += k
	t.byConnection[on].N++
}

// independent is how many trials there are that are independent.
func (t *tallied) independent() int {
	if t.connections {
		return len(t.byConnection)
	}
	return t.N
}

func (t *tallied) clusters() stats.Clusters {
	var c stats.Clusters
	for _, count := range t.byConnection {
		c = append(c, *count)
	}
	slices.SortFunc(c, func(a, b stats.Count) int { return cmp.Or(a.N-b.N, a.K-b.K) }) // sums of floats in one order
	return c
}

func (t *tallied) interval() stats.Interval {
	if t.connections {
		return t.clusters().Interval(t.level)
	}
	return t.Interval(t.level)
}

// String says K of N, and on how many connections where those are the unit.
func (t *tallied) String() string {
	return fmt.Sprintf("%d of %d", t.K, t.N) + t.onConnections(len(t.byConnection))
}

// needed says how many more would decide.
func (t *tallied) needed(bound float64) string {
	count, each := t.Count, 1.0
	if t.connections {
		worth := max(t.clusters().Effective(t.level), 1)
		each = float64(len(t.byConnection)) / worth // connections for what one trial is worth
		count = stats.Count{K: int(t.Share()*worth + 0.5), N: int(worth)}
	}
	n := count.Needed(bound, t.level)
	if !n.Attainable {
		return "no number of " + t.name() + " can decide at this share"
	}
	return fmt.Sprintf("about %.0f %s would decide", float64(n.Trials)*each, t.name())
}
