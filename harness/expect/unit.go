package expect

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/stats"
)

// tallied is a share as counted, in the unit that the fault says.
type tallied struct {
	stats.Count
	level stats.Level
	// byConnection is nil where requests are the unit.
	byConnection map[connection]*stats.Count
	clients      bool // the connections are the client's
	alone        int  // requests that reached no backend, and share a connection with none
}

// connection is one of the gateway's to a backend, or one of the client's.
type connection struct {
	look    int
	backend string
	life    int32
	number  int
}

// tally begins to count in a phase: by connection if a fault that acts there chose its victims among them.
func (e Evidence) tally(p record.Phase) *tallied {
	t := &tallied{level: e.level()}
	for _, look := range e.Looks() {
		for _, i := range look.Injections {
			if i.Unit == record.Connections && (p.Part == record.Whole || i.ID == p.Window) {
				t.byConnection, t.clients = map[connection]*stats.Count{}, i.Target == client
			}
		}
	}
	return t
}

// client is what the client is called where the replicas have their names.
const client = "client"

// add counts an exchange of a look, on the connection of its first attempt.
func (t *tallied) add(look int, x record.Exchange, counts bool) {
	k := 0
	if counts {
		k = 1
	}
	t.K += k
	t.N++
	if t.byConnection == nil {
		return
	}
	on := connection{look: look, backend: client, number: x.Connection}
	switch {
	case t.clients:
	case len(x.Arrivals) > 0:
		on = connection{look, x.Arrivals[0].Backend, x.Arrivals[0].Life, x.Arrivals[0].Connection}
	default:
		t.alone++
		on = connection{number: t.alone}
	}
	if t.byConnection[on] == nil {
		t.byConnection[on] = &stats.Count{}
	}
	t.byConnection[on].K += k
	t.byConnection[on].N++
}

// units is how many there are that are independent.
func (t *tallied) units() int {
	if t.byConnection != nil {
		return len(t.byConnection)
	}
	return t.N
}

// unit names them.
func (t *tallied) unit() string {
	if t.byConnection != nil {
		return "connections"
	}
	return "requests"
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
	if t.byConnection != nil {
		return t.clusters().Interval(t.level)
	}
	return t.Interval(t.level)
}

// String says K of N, and on how many connections where those are the unit.
func (t *tallied) String() string {
	words := fmt.Sprintf("%d of %d", t.K, t.N)
	if t.byConnection != nil {
		words += fmt.Sprintf(" on %d connections, which is what the fault chose", len(t.byConnection))
	}
	return words
}

// needed says how many more would decide.
func (t *tallied) needed(bound float64) string {
	count, each := t.Count, 1.0
	if t.byConnection != nil {
		worth := max(t.clusters().Effective(t.level), 1)
		each = float64(len(t.byConnection)) / worth // connections for what one trial is worth
		count = stats.Count{K: int(t.Share()*worth + 0.5), N: int(worth)}
	}
	n := count.Needed(bound, t.level)
	if !n.Attainable {
		return "no number of " + t.unit() + " can decide at this share"
	}
	return fmt.Sprintf("about %.0f %s would decide", float64(n.Trials)*each, t.unit())
}
