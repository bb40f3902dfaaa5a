package fault

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/badgateway/badgateway/harness/topology"
)

// Schedule is a set of windows.
type Schedule []Window

// Validate reports everything that is wrong with the schedule for these backends and a load of that length and so many
// requests, joined.
func (s Schedule) Validate(backends topology.Group, load time.Duration, requests int) error {
	var problems []error
	for i, w := range s {
		if w.Inject == nil {
			problems = append(problems, fmt.Errorf("faults: window %d injects nothing", i+1))
			continue
		}
		for _, err := range w.validate(backends, load, requests) {
			problems = append(problems, fmt.Errorf("faults: %s: %w", w.ID(), err))
		}
		problems = append(problems, s.undirected(w)...)
		for _, earlier := range s[:i] {
			switch {
			case earlier.Inject == nil:
			case earlier.ID() == w.ID():
				problems = append(problems, fmt.Errorf("faults: %s: the same window twice", w.ID()))
			case earlier.contradicts(w, load):
				problems = append(problems, fmt.Errorf("faults: %s contradicts %s: both take hold of the %s at the same time",
					w.ID(), earlier.ID(), w.Inject.Acts().Holds))
			case earlier.crowds(w, load):
				problems = append(problems, fmt.Errorf("faults: %s cannot act beside %s, nor right before or after: one of them "+
					"ends the process there or puts it out of reach, and nothing that was asked of it outlives that", w.ID(), earlier.ID()))
			}
		}
	}
	return errors.Join(problems...)
}

// undirected lists the windows that put Toxiproxy before a replica on which the fault of another one must act directly. A
// link is what it is for the whole load, so it does not matter when.
func (s Schedule) undirected(w Window) (problems []error) {
	if !w.Inject.Acts().Direct {
		return nil
	}
	for _, other := range s {
		if other.Inject != nil && slices.Contains(other.Inject.Acts().Needs, Link) && meet(w.On, other.On) {
			problems = append(problems, fmt.Errorf(
				"faults: %s: it is that only on a direct link, and for %s the link leads through Toxiproxy", w.ID(), other.ID()))
		}
	}
	return problems
}

// Alone reports whether something is done to processes.
func (s Schedule) Alone() bool {
	return slices.ContainsFunc(s, func(w Window) bool { return w.Inject.Acts().Alone })
}

// Needs lists what the schedule needs of the lab, each once.
func (s Schedule) Needs() []Need {
	var needs []Need
	for _, w := range s {
		for _, n := range w.Inject.Acts().Needs {
			if !slices.Contains(needs, n) {
				needs = append(needs, n)
			}
		}
	}
	return needs
}

// Links lists the replicas whose links must lead through Toxiproxy.
func (s Schedule) Links() []topology.Replica {
	var links []topology.Replica
	for _, w := range s {
		if !slices.Contains(w.Inject.Acts().Needs, Link) {
			continue
		}
		for _, r := range w.On.Replicas() {
			if !slices.Contains(links, r) {
				links = append(links, r)
			}
		}
	}
	return links
}

// Successors lists the replicas that are replaced while the load runs.
func (s Schedule) Successors() []topology.Replica {
	var replaced []topology.Replica
	for _, w := range s {
		begins := w.From > 0 || !w.When.IsZero()
		switch w.Inject.(type) {
		case Replace, StaleAddress:
			for _, r := range w.On.Replicas() {
				if begins && !slices.Contains(replaced, r) {
					replaced = append(replaced, r)
				}
			}
		}
	}
	return replaced
}

// Print writes the schedule as it will be carried out with that seed, a line for each window, without carrying it out.
func (s Schedule) Print(w io.Writer, seed uint64) error {
	var errs []error
	for _, window := range s {
		until := "the end of the load"
		switch {
		case window.For > 0:
			until = window.For.String() + " later"
		case !window.Until.IsZero():
			until = window.Until.String()
		}
		line := fmt.Sprintf("fault  %s, until %s", window.ID(), until)
		if !window.Of.TakesAll() {
			var seeds []string
			for _, name := range window.names() {
				seeds = append(seeds, fmt.Sprintf("%016x", window.seedAt(seed, name)))
			}
			line += ", victims drawn from " + strings.Join(seeds, ", ")
		}
		_, err := fmt.Fprintln(w, line)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// names lists the names of the window's sites.
func (w Window) names() []string {
	if party(w.On) != Replica {
		return []string{w.On.String()}
	}
	var names []string
	for _, r := range w.On.Replicas() {
		names = append(names, r.String())
	}
	return names
}

// seedAt is what the victims at one site are drawn from: another for each window and each site.
func (w Window) seedAt(seed uint64, site string) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %s %s", seed, w.ID(), site) // a hash never fails
	return h.Sum64()
}
