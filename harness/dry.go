package harness

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/load"
)

// dry keeps what a scenario would do, by itself or in each arm of an experiment, and skips the test.
func (s *run) dry(t *testing.T, arms ...arm) {
	t.Helper()
	for _, a := range arms {
		name := s.nameOf(t)
		text, err := a.scenario.schedule(name+a.name, s.seedOf(name), s.most())
		if err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		s.schedules[name+a.name] = text
		s.mu.Unlock()
	}
	t.Skip("a dry run")
}

// arm is a scenario with what is said behind its name; nothing of one that is by itself.
type arm struct {
	name     string
	scenario Scenario
}

// printSchedules prints what the scenarios would do, whatever the order in which their tests ran.
func (s *run) printSchedules() {
	for _, name := range slices.Sorted(maps.Keys(s.schedules)) {
		fmt.Print(s.schedules[name])
	}
}

// fewRequests is how many requests of each scenario a brief dry run prints.
const fewRequests = 3

// most is how many requests of a scenario are printed.
func (s *run) most() int {
	if s.brief {
		return fewRequests
	}
	return math.MaxInt
}

// schedule says what the scenario would do with that seed, on whatever gateway: its faults, and each request with the
// time at which it is due, as far as that does not depend on answers; no more requests than that are printed. The same seed
// gives the same text, byte for byte.
func (s Scenario) schedule(name string, seed uint64, most int) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nscenario %s, schedule seed %d\n", name, seed)
	fmt.Fprintf(&b, "given  %s x %d, policy: %s\n", s.Backends.Name, s.Backends.Count, s.Policy)
	if s.Front != nil {
		fmt.Fprintf(&b, "front  policy: %s\n", s.Front)
	}
	b.WriteString(s.sketch())
	fmt.Fprintf(&b, "load   %s\n", s.Load)
	if s.Looks > 1 {
		fmt.Fprintf(&b, "looks  %d at most, the later ones with schedules of their own\n", s.Looks)
	}
	if err := s.Faults.Print(&b, seed); err != nil {
		return "", err
	}
	b.WriteString(s.picture(seed))
	for _, e := range s.Expect {
		fmt.Fprintf(&b, "expect %s\n", e.Judge(expect.Evidence{}).Promise)
	}
	left := 0
	for p := range s.Load.Plan(seed) {
		if most--; most < 0 {
			left++
			continue
		}
		fmt.Fprintf(&b, "%10s  %s  %s\n", p.Due, p.ID, p.Request)
	}
	if left > 0 {
		fmt.Fprintf(&b, "       ... and %d more\n", left)
	}
	if s.Load.Count() == load.Unknown {
		b.WriteString("       ... and more, each after the answer to the one before\n")
	}
	return b.String(), nil
}
