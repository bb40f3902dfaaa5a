package load

import (
	"fmt"
	"sync"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/victim"
)

// Script holds the rules that are in force at a client. The zero Script has none. It is safe for concurrent use.
type Script struct {
	mu    sync.Mutex
	rules []*scripted
}

// scripted is a rule in force, or lifted, with the count of what it did.
type scripted struct {
	Rule
	script *Script
	over   chan struct{} // closed when it is lifted

	// Guarded by the script's lock:
	lifted  bool
	victims *victim.Chooser
	receipt record.Receipt
}

// Add puts a rule in force for every request that the client has not turned to yet.
func (s *Script) Add(r Rule) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.find(r.ID) != nil {
		return fmt.Errorf("client: rule %s is already known", r.ID)
	}
	s.put(r)
	return nil
}

// Lift ends a rule: from then on it touches no request, and what it slows down goes on as usual. It may be repeated.
// Whoever is not sure whether a rule was put in force can lift it: it is not in force then, and will not be.
func (s *Script) Lift(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(id)
	if r == nil {
		r = s.put(Rule{ID: id}) // one that comes too late is refused as already known
	}
	if !r.lifted {
		r.lifted = true
		close(r.over)
	}
}

// Receipt returns what a rule has done so far: the requests that it touched, and the connections that it broke off.
func (s *Script) Receipt(id string) (record.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(id)
	if r == nil {
		return record.Receipt{}, fmt.Errorf("client: rule %s is not known", id)
	}
	return r.receipt, nil
}

func (s *Script) put(r Rule) *scripted {
	added := &scripted{
		Rule: r, script: s, over: make(chan struct{}), victims: victim.NewChooser(r.Of),
		receipt: record.Receipt{Replica: "client"},
	}
	s.rules = append(s.rules, added)
	return added
}

func (s *Script) find(id string) *scripted {
	for _, r := range s.rules {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// turn returns the first rule that chooses among requests and chooses this one, or nil. It is asked as the client turns to
// the requests, one after another, so that the same schedule has the same victims.
func (s *Script) turn(p *Planned) *scripted { return s.choose(victim.Requests, p, 0) }

// on returns the first rule that chooses among connections and chooses the one that the request is about to be sent on.
func (s *Script) on(connection int, p *Planned) *scripted {
	return s.choose(victim.Connections, p, connection)
}

func (s *Script) choose(unit victim.Unit, p *Planned, connection int) *scripted {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := victim.Meeting{ID: p.ID, Method: p.Method, Path: p.Path, Connection: connection}
	for _, r := range s.rules {
		if !r.lifted && r.Of.Unit() == unit && r.meets(p) && r.victims.Choose(m) {
			return r
		}
	}
	return nil
}

// does reports whether the rule is one of that behaviour; a nil one is of none.
func (r *scripted) does(b Behaviour) bool { return r != nil && r.Do == b }

// touch books that the rule touches the request from now on. It reports false, and nothing may be done, if the rule was
// lifted since the request was chosen.
func (r *scripted) touch(seen *record.Request) bool {
	r.script.mu.Lock()
	defer r.script.mu.Unlock()
	if r.lifted {
		return false
	}
	seen.Injection = r.ID
	r.receipt.Requests++
	if r.By != "" {
		r.receipt.Connections++
	}
	return true
}
