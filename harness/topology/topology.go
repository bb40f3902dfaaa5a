// Package topology holds the pure values that say what a scenario is made of: the backends behind the gateway, the
// paths to them, and what is asked of the gateway in neutral terms. Nothing here starts or dials anything; every name
// is known before the first socket opens, so that configs can be rendered and schedules printed without running them.
package topology

import (
	"errors"
	"fmt"
	"regexp"
)

// Group is a named set of identical backends behind the gateway. Its replicas are named <name>-1 ... <name>-n.
type Group struct {
	Name  string `json:"name"`
	Count int    `json:"replicas"`
}

// Replicas declares a group of n backends.
func Replicas(name string, n int) Group { return Group{Name: name, Count: n} }

// Replica names the i-th backend of the group, counted from 1, as the target of a fault.
func (g Group) Replica(i int) Target { return Target{group: g, index: i} }

// Each names every backend of the group as the target of a fault.
func (g Group) Each() Target { return Target{group: g, each: true} }

// Members lists the replicas of the group in order.
func (g Group) Members() []Replica { return g.Each().Replicas() }

// groupName keeps group names usable as host names, file names and parts of a test name.
var groupName = regexp.MustCompile(`^[a-z][a-z0-9]{0,30}$`)

// Validate reports everything that is wrong with the group, joined.
func (g Group) Validate() error {
	var problems []error
	if !groupName.MatchString(g.Name) {
		problems = append(problems, fmt.Errorf("backends: name %q must match %s", g.Name, groupName))
	}
	if g.Count < 1 || g.Count > 64 {
		problems = append(problems, fmt.Errorf("backends %s: %d replicas, want 1 to 64", g.Name, g.Count))
	}
	return errors.Join(problems...)
}

// Replica is one backend of a group; Index counts from 1.
type Replica struct {
	Group string
	Index int
}

// String returns the replica's name, e.g. "orders-2": its host name, its identity in answers, its journal's name.
func (r Replica) String() string { return fmt.Sprintf("%s-%d", r.Group, r.Index) }

// Target is what a fault acts on: one replica of a group, each of them, the gateway or the client. The zero Target names
// nothing.
type Target struct {
	group Group
	index int
	each  bool   // then index is not used
	other string // the gateway or the client
}

// The targets that are no replicas.
var (
	Gateway = Target{other: "gateway"}
	Client  = Target{other: "client"}
)

// Replicas lists the replicas the target names.
func (t Target) Replicas() []Replica {
	if t == (Target{other: t.other}) {
		return nil
	}
	if !t.each {
		return []Replica{{Group: t.group.Name, Index: t.index}}
	}
	all := make([]Replica, 0, t.group.Count)
	for i := 1; i <= t.group.Count; i++ {
		all = append(all, Replica{Group: t.group.Name, Index: i})
	}
	return all
}

// String names the target, e.g. "orders-2", or "orders" for each replica of the group.
func (t Target) String() string {
	if t.other != "" {
		return t.other
	}
	if t.each || t == (Target{}) {
		return t.group.Name
	}
	return Replica{Group: t.group.Name, Index: t.index}.String()
}

// ValidateIn reports whether every replica the target names exists among the scenario's backends.
func (t Target) ValidateIn(backends Group) error {
	switch {
	case t.group.Name == "":
		return errors.New("no target: set On to a replica or to each replica of a group")
	case t.group != backends:
		return fmt.Errorf("unknown target %s: the scenario's backends are %s (%d replicas)", t, backends.Name, backends.Count)
	case !t.each && (t.index < 1 || t.index > backends.Count):
		return fmt.Errorf("unknown replica %s: %s has %d", t, backends.Name, backends.Count)
	}
	return nil
}
