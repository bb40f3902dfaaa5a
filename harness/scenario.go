// Package harness is what a suite imports: a Scenario says what must hold when something breaks, and Run finds out, on
// every selected gateway.
//
//	scenario --plan--> lab.Start --> running
//	                                   |
//	  load   -- requests ---+          |            expect.Judge --> verdicts --> subtests
//	  faults -- injections -+--> record +--> join --> exchanges -+            +-> reports
//	  backends - arrivals --+   (files; everything from here on can be replayed without a gateway)
package harness

import (
	"errors"
	"fmt"
	"math"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// Scenario says: given these backends and this policy, under this load, when this breaks, that must hold. It is a value:
// it is checked before anything starts and runs unchanged against any gateway.
type Scenario struct {
	// Backends stand behind the gateway.
	Backends topology.Group
	// Policy is what is asked of the gateway; the zero policy leaves every default as people run it.
	Policy topology.Policy
	// Front is a second gateway of the same kind in front of the one under test, which clients talk to; nil is none. What
	// breaks the gateway breaks the one under test.
	Front *topology.Front
	// Load is what the client sends.
	Load load.Load
	// Faults is what breaks, and when.
	Faults fault.Schedule
	// Expect is what must hold.
	Expect expect.All
	// Profile is the smallest one that the scenario is part of.
	Profile Profile
	// Looks is how many times at most the scenario is run, each time in a fresh lab, while a promise is undecided for want
	// of requests; zero is once. All runs are judged together, at a level that is stricter the more of them there may be
	// (expect.Looks).
	Looks int
}

// mostLooks bounds how often a scenario is run: the last of ten looks needs twice the requests of a single one.
const mostLooks = 10

// Validate reports everything that is wrong with the scenario, joined.
func (s Scenario) Validate() error {
	problems := []error{s.Backends.Validate(), s.Policy.Validate(), s.Front.Validate()}
	if s.Load == nil {
		problems = append(problems, errors.New("load: none"))
	} else {
		requests := s.Load.Count()
		if requests == load.Unknown {
			requests = math.MaxInt // a fault that waits for more requests than there are is never applied, and that is told
		}
		problems = append(problems, s.Load.Validate(), s.Faults.Validate(s.Backends, s.Load.Lasts(), requests))
	}
	if s.Profile < Smoke || s.Profile > Nightly {
		problems = append(problems, fmt.Errorf("profile: %s, want Smoke, CI or Nightly", s.Profile))
	}
	if s.Looks < 0 || s.Looks > mostLooks {
		problems = append(problems, fmt.Errorf("looks: %d, want 0 to %d; rather send more requests at each", s.Looks, mostLooks))
	}
	if s.Looks > 1 && len(s.Expect) > 0 && !s.Expect.Extensible() {
		problems = append(problems, fmt.Errorf("looks: %d, but no promise can be undecided for want of requests", s.Looks))
	}
	if len(s.Expect) == 0 {
		problems = append(problems, errors.New("expect: nothing; a scenario without a promise cannot fail"))
	}
	for i, e := range s.Expect {
		if e == nil {
			problems = append(problems, fmt.Errorf("expect: entry %d is nil", i+1))
			continue
		}
		if err := e.Validate(); err != nil {
			problems = append(problems, fmt.Errorf("expect: %w", err))
		}
		if p := e.Phase(); p.Part != record.Whole && !s.opens(p.Window) {
			problems = append(problems, fmt.Errorf("expect: %s: no such window among the faults", p))
		}
	}
	return errors.Join(problems...)
}

func (s Scenario) opens(window string) bool {
	for _, w := range s.Faults {
		if w.Inject != nil && w.ID() == window {
			return true
		}
	}
	return false
}
