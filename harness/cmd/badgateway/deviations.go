package main

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/topology"
)

// deviation is a known deviation, and the gateways that it is known of.
type deviation struct {
	gateways.Known
	of []gateways.Gateway
}

// deviations lists what is known of the selected gateways about a test, or about one scenario of it, in their order.
func deviations(selected []gateways.Selected, name string) []deviation {
	var all []deviation
	at := map[*gateways.Folder]map[int]int{}
	for _, s := range selected {
		if at[s.Folder] == nil {
			at[s.Folder] = map[int]int{}
		}
		for i, k := range s.Known {
			if !about(k, name) || !mayMeet(s.Gateway, k) {
				continue
			}
			if n, seen := at[s.Folder][i]; seen {
				all[n].of = append(all[n].of, s.Gateway)
				continue
			}
			at[s.Folder][i] = len(all)
			all = append(all, deviation{k, []gateways.Gateway{s.Gateway}})
		}
	}
	return all
}

// about reports whether a deviation is one of a scenario with that name, or of one that the name is the beginning of.
func about(k gateways.Known, name string) bool {
	parts := strings.Split(name, "/")
	return slices.ContainsFunc(k.Scenarios, func(pattern string) bool {
		of := strings.Split(pattern, "/")
		if len(of) < len(parts) {
			return false
		}
		matches, _ := path.Match(path.Join(of[:len(parts)]...), name) // checked when read
		return matches
	})
}

// mayMeet reports whether some version of the gateway's line has the deviation. Which one it is shows only when it runs.
func mayMeet(g gateways.Gateway, k gateways.Known) bool {
	if !k.IsOf(g) {
		return false
	}
	if g.Embedded {
		return true // its version is that of the Go that compiles it
	}
	line, _, _ := strings.Cut(string(g.Line), "-")
	for _, v := range []string{line, line + ".999999"} {
		if holds, _ := k.Versions.Contains(topology.Version(v)); holds {
			return true
		}
	}
	return false
}

func writeDeviations(w io.Writer, name string, all []deviation) {
	if len(all) == 0 {
		fmt.Fprintf(w, "\nknown deviations: none is written down\n")
		return
	}
	fmt.Fprintf(w, "\nknown deviations:\n")
	for _, d := range all {
		var of []string
		for _, g := range d.of {
			of = append(of, g.String())
		}
		versions := string(d.Versions)
		if versions == "all" {
			versions = "all versions"
		}
		fmt.Fprintf(w, "\n  %s (%s)\n", strings.Join(of, ", "), versions)
		scenarios := slices.DeleteFunc(slices.Clone(d.Scenarios), func(pattern string) bool {
			return !about(gateways.Known{Scenarios: []string{pattern}}, name)
		})
		fmt.Fprintf(w, "    breaks   %s in %s: %s", d.Promise, strings.Join(scenarios, ", "), strings.Join(d.Outcomes, ", "))
		if d.Sometimes {
			fmt.Fprint(w, "; not in every run")
		}
		fmt.Fprintf(w, "\n    happens  %s\n    why      %s\n    source   %s\n", said(d.Happens), said(d.Why), said(d.Source))
	}
}

// said is a text of known.yaml on one line.
func said(text string) string { return strings.Join(strings.Fields(text), " ") }
