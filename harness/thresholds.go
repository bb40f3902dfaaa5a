package harness

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/expect"
)

// threshold is one entry of a thresholds file: a bound that a team holds its gateway to, in place of the scenario's own.
type threshold struct {
	// Scenarios are patterns, as of path.Match, for the names of scenarios, e.g. "idleclose/TestRace/*".
	Scenarios []string `yaml:"scenarios"`
	// Gateways are patterns for what was selected, e.g. "nginx@1.30" or "nginx@*"; none means every gateway.
	Gateways []string `yaml:"gateways"`
	// Promise and AtMost are those of expect.Override.
	Promise string `yaml:"promise"`
	AtMost  string `yaml:"at_most"`
	// Why is for the next one who reads it.
	Why string `yaml:"why"`
}

// thresholds is a thresholds file, and which of its entries were about anything. It is safe for concurrent use.
type thresholds struct {
	file    string
	entries []threshold

	mu    sync.Mutex
	met   []bool // a scenario on a gateway that is running here
	about []bool // a promise of one
}

// readThresholds reads a thresholds file, strictly; an empty name is no file. Every error is one line that names it.
func readThresholds(file string) (*thresholds, error) {
	if file == "" {
		return &thresholds{}, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	t := &thresholds{file: filepath.Base(file)}
	if err := gateways.Decode(text, &t.entries); err != nil {
		return nil, fmt.Errorf("%s:%w", file, err)
	}
	if len(t.entries) == 0 {
		return nil, fmt.Errorf("%s: no entries", file)
	}
	for i, entry := range t.entries {
		if err := entry.validate(); err != nil {
			return nil, fmt.Errorf("%s: entry %d: %w", file, i+1, err)
		}
	}
	t.met, t.about = make([]bool, len(t.entries)), make([]bool, len(t.entries))
	return t, nil
}

func (e threshold) validate() error {
	if len(e.Scenarios) == 0 || e.Promise == "" || e.AtMost == "" || e.Why == "" {
		return errors.New("scenarios, promise, at_most and why must all be said")
	}
	for _, pattern := range slices.Concat(e.Scenarios, e.Gateways) {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("%q: %w", pattern, err)
		}
	}
	for _, pattern := range e.Scenarios {
		if suite, test, _ := strings.Cut(pattern, "/"); test == "" || strings.ContainsAny(suite, `*?[\`) {
			return fmt.Errorf("scenario %q: want a suite by its name and a test, e.g. idleclose/TestRace/*", pattern)
		}
	}
	return nil
}

// String names the entry in an error.
func (e threshold) String() string {
	on := ""
	if len(e.Gateways) > 0 {
		on = " on " + strings.Join(e.Gateways, ", ")
	}
	return fmt.Sprintf("%s at most %s in %s%s", e.Promise, e.AtMost, strings.Join(e.Scenarios, ", "), on)
}

func (e threshold) on(gateway string) bool {
	return len(e.Gateways) == 0 || matchesAny(e.Gateways, gateway)
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		matches, _ := path.Match(pattern, name) // checked when read
		return matches
	})
}

// apply puts the bounds of the file into the promises of a scenario on a gateway.
func (t *thresholds) apply(scenario, gateway string, promises expect.All) (expect.All, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var overrides []expect.Override
	var of []int
	for i, e := range t.entries {
		if matchesAny(e.Scenarios, scenario) && e.on(gateway) {
			t.met[i] = true
			overrides = append(overrides, expect.Override{Promise: e.Promise, AtMost: e.AtMost, By: t.file})
			of = append(of, i)
		}
	}
	overridden, about, err := promises.Override(overrides)
	for n, is := range about {
		t.about[of[n]] = t.about[of[n]] || is
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.file, err)
	}
	return overridden, nil
}

// check finds entries that can match nothing, before anything runs: of a suite that is not beside this one, or of a gateway
// that is neither shipped nor chosen.
func (t *thresholds) check(suites []string, chosen []choice) error {
	names, err := gatewayNames(chosen)
	if err != nil {
		return err
	}
	for _, e := range t.entries {
		for _, pattern := range e.Scenarios {
			if suite, _, _ := strings.Cut(pattern, "/"); !slices.Contains(suites, suite) {
				return fmt.Errorf("%s: %s: matches nothing: there is no suite %s beside this one", t.file, e, suite)
			}
		}
		for _, pattern := range e.Gateways {
			if !slices.ContainsFunc(names, func(name string) bool { return matchesAny([]string{pattern}, name) }) {
				return fmt.Errorf("%s: %s: matches nothing: there is no gateway %s", t.file, e, pattern)
			}
		}
	}
	return nil
}

func gatewayNames(chosen []choice) ([]string, error) {
	folders, err := gateways.Shipped()
	var names []string
	for _, f := range folders {
		for _, line := range f.Lines() {
			names = append(names, line.String())
		}
	}
	for _, c := range chosen {
		names = append(names, c.String())
	}
	return names, err
}

// unused finds the entries that matched nothing of what this process should have met: of its suite and one of its gateways.
// Where only some of the tests were asked for, those of a scenario that was not may be of another.
func (t *thresholds) unused(suite string, chosen []choice, onlySome bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var problems []error
	for i, e := range t.entries {
		own := slices.ContainsFunc(e.Scenarios, func(pattern string) bool { return strings.HasPrefix(pattern, suite+"/") })
		chosen := slices.ContainsFunc(chosen, func(c choice) bool { return e.on(c.String()) })
		switch {
		case t.met[i] && !t.about[i]:
			problems = append(problems, fmt.Errorf("%s: %s: matches no promise", t.file, e))
		case own && chosen && !t.met[i] && !onlySome:
			problems = append(problems, fmt.Errorf("%s: %s: matches no scenario", t.file, e))
		}
	}
	return errors.Join(problems...)
}

// suitesBeside lists the folders beside that of this suite, and its own; of a suite within another, "field/uwsgi", those
// beside the outer one.
func suitesBeside(dir, suite string) ([]string, error) {
	for range strings.Count(suite, "/") {
		dir = filepath.Dir(dir)
	}
	entries, err := os.ReadDir(filepath.Dir(dir))
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}
