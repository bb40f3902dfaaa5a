package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

// look is the case as it is run at a look, from 1: the first one as it is, a later one with a schedule of its own, and its
// facts in a folder below the first one's.
func (c Case) look(number int) Case {
	if number > 1 {
		c.ScheduleSeed = derivedSeed(c.ScheduleSeed, fmt.Sprintf("look %d", number))
		c.Dir = c.lookDir(number)
	}
	if tell := c.Progress; tell != nil && c.Scenario.Looks > 1 {
		c.Progress = func(what string) { tell(fmt.Sprintf("look %d of %d at most, %s", number, c.Scenario.Looks, what)) }
	}
	return c
}

func (c Case) lookDir(number int) string { return filepath.Join(c.Dir, fmt.Sprintf("look-%d", number)) }

// forgetLooks removes the later looks of a run that was in the folder before.
func (c Case) forgetLooks() error {
	for number := 2; exists(c.lookDir(number)); number++ {
		if err := os.RemoveAll(c.lookDir(number)); err != nil {
			return err
		}
	}
	return nil
}

// evidence loads the facts of all looks that were taken, and says what they are of. How many there might have been was said
// in the facts before they were seen, and is not asked again.
func (c Case) evidence() (evidence expect.Evidence, of record.Case, err error) {
	var looks []expect.Evidence
	var retaken []string
	for dir := c.Dir; len(looks) == 0 || exists(dir); dir = c.lookDir(len(looks) + 1) {
		facts, err := record.Load(dir)
		if err != nil {
			return evidence, of, err
		}
		if facts.Case.Scenario != c.Name || facts.Case.Gateway != c.Gateway.String() {
			return evidence, of, fmt.Errorf("%s: the facts are of %s on %s, not of %s on %s",
				dir, facts.Case.Scenario, facts.Case.Gateway, c.Name, c.Gateway)
		}
		if len(looks) == 0 {
			of = facts.Case
		}
		if facts.Case.Retaken != "" {
			retaken = append(retaken, fmt.Sprintf("look %d: %s", len(looks)+1, facts.Case.Retaken))
		}
		if facts.Case.Detected != of.Detected || facts.Case.Looks != of.Looks {
			return evidence, of, fmt.Errorf("%s: a look at version %q, of at most %d; the first was at version %q, of at most %d",
				dir, facts.Case.Detected, facts.Case.Looks, of.Detected, of.Looks)
		}
		exchanges, strays := record.Join(facts.Requests, facts.Arrivals)
		looks = append(looks, expect.Evidence{Planned: facts.Case.Planned, Exchanges: exchanges, Strays: strays, Injections: facts.Injections})
	}
	if len(looks) > 1 { // else it is said of the only one
		of.Retaken = strings.Join(retaken, "; ")
	}
	last := len(looks) - 1
	evidence = looks[last]
	evidence.Before, evidence.Most = looks[:last], of.Looks
	return evidence, of, nil
}
