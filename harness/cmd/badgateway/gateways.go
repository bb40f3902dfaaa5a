package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/images"
	"github.com/badgateway/badgateway/harness/lab"
	"github.com/badgateway/badgateway/harness/topology"
)

func newGatewaysCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "gateways [SELECTION]",
		Short: "list gateways, how each is had here, and what it can be asked for",
		Long: `gateways lists the selected gateways (all, if none are), how the image of each is had on this machine, and which policies
each can be asked for. It never fetches, builds or starts anything.`,
		Example: `  badgateway gateways
  badgateway gateways nginx@all,stdlib`,
		Args:              takes("[SELECTION]"),
		ValidArgsFunction: completeThen(completeSelection),
		RunE: func(cmd *cobra.Command, args []string) error {
			return ended(listGateways(cmd.Context(), selectionOf(args), cmd.OutOrStdout(), cmd.ErrOrStderr()))
		},
	}
}

// selectionOf is what was typed, or all.
func selectionOf(args []string) string {
	if len(args) == 0 {
		return "all"
	}
	return args[0]
}

// selectGateways reads a selection; the folders in it are where they were typed.
func selectGateways(selection string) ([]gateways.Selected, error) {
	return gateways.Select(selection, func(path string) (string, error) {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("no gateway there: %w", err)
		}
		return path, nil
	})
}

func listGateways(ctx context.Context, selection string, out, errOut io.Writer) int {
	selected, err := selectGateways(selection)
	if err != nil {
		fmt.Fprintln(errOut, "badgateway:", err)
		return exitUsage
	}
	fleet := make([]gateways.Gateway, len(selected))
	for i, s := range selected {
		fleet[i] = s.Gateway
	}
	outlooks, engine := lab.Look(ctx, fleet)
	if ctx.Err() != nil {
		fmt.Fprintln(errOut, "badgateway: interrupted")
		return exitFailed
	}
	if err := fleetTable(out, fleet, outlooks, engine); err != nil {
		fmt.Fprintln(errOut, "badgateway:", err)
		return exitHarness
	}
	return exitOK
}

// fleetTable writes for each gateway how it is had here, then what is in the way, and then who can be asked what. engine is
// why no container can be started here, or nil.
func fleetTable(w io.Writer, fleet []gateways.Gateway, outlooks []images.Outlook, engine error) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "gateway\timage\tto be had here\tcan be built from")
	for i, g := range fleet {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n",
			g.Selector(), cmp.Or(g.Release.Image, "-"), toBeHad(g, outlooks[i], engine), builtFrom(g.Release.Build))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if notes := remarks(fleet, outlooks, engine); len(notes) > 0 {
		fmt.Fprintln(w, "\n"+strings.Join(notes, "\n"))
	}
	fmt.Fprintln(w)
	return capabilityTable(w, fleet)
}

// remarks says what the table has no room for, each thing once.
func remarks(fleet []gateways.Gateway, outlooks []images.Outlook, engine error) []string {
	var variants, ways []string
	way := func(text string) {
		if !slices.Contains(ways, text) {
			ways = append(ways, text)
		}
	}
	for i, g := range fleet {
		o := outlooks[i]
		if g.Release.Variant != "" {
			variants = append(variants, fmt.Sprintf("%s is the variant %s of %s", g.Selector(), g.Release.Variant, g.Name))
		}
		if g.Embedded || o.There.ID != "" {
			continue
		}
		if engine != nil {
			way(engine.Error())
			continue
		}
		if o.NoPull != nil && g.Release.Image != "" {
			way("no pulling: " + o.NoPull.Error())
		}
		if o.NoBuild != nil && !g.Release.Build.IsZero() {
			way("no building: " + o.NoBuild.Error())
		}
	}
	return append(variants, ways...)
}

// toBeHad says in a few words whether a gateway can be had here, and how.
func toBeHad(g gateways.Gateway, o images.Outlook, engine error) string {
	switch {
	case g.Embedded:
		return "yes, embedded"
	case engine != nil:
		return "no, without an engine"
	case o.There.ID != "" && o.There.Ref == g.Release.Image:
		return "yes, pulled: " + shortID(o.There.ID)
	case o.There.ID != "":
		return "yes, built: " + shortID(o.There.ID)
	case o.NoPull == nil && o.NoBuild == nil:
		return "by pulling or building"
	case o.NoPull == nil:
		return "by pulling, not tried"
	case o.NoBuild == nil:
		return "by building"
	}
	return "no, see below"
}

// shortID is an image's ID as people see it everywhere else.
func shortID(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(12, len(id))]
}

// builtFrom is short: a module at a version says by itself that it is Go, and no release differs in its package.
func builtFrom(b images.Build) string {
	switch {
	case b.IsZero():
		return "-"
	case b.GoModule != "":
		return b.GoModule
	}
	return b.From()
}

// capabilityTable writes who can be asked what: a row per capability, a column per gateway.
func capabilityTable(w io.Writer, fleet []gateways.Gateway) error {
	folders, lines := byFolder(fleet)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "can be asked for")
	for _, f := range folders {
		fmt.Fprint(table, "\t", f.Name)
	}
	fmt.Fprintln(table)
	var only []string
	for _, c := range topology.Capabilities() {
		fmt.Fprint(table, c)
		for _, f := range folders {
			var able []string
			for _, g := range lines[f] {
				if slices.Contains(g.Has(), c) {
					able = append(able, string(g.Line))
				}
			}
			mark := "some"
			switch len(able) {
			case 0:
				mark = "-"
			case len(lines[f]):
				mark = "yes"
			default:
				only = append(only, fmt.Sprintf("%s of %s: %s", c, f.Name, strings.Join(able, ", ")))
			}
			fmt.Fprint(table, "\t", mark)
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil || len(only) == 0 {
		return err
	}
	_, err := fmt.Fprintf(w, "\nsome:\n  %s\n", strings.Join(only, "\n  "))
	return err
}

// byFolder gathers the release lines of each folder, in the order of the fleet.
func byFolder(fleet []gateways.Gateway) (folders []*gateways.Folder, lines map[*gateways.Folder][]gateways.Gateway) {
	lines = map[*gateways.Folder][]gateways.Gateway{}
	for _, g := range fleet {
		if lines[g.Folder] == nil {
			folders = append(folders, g.Folder)
		}
		lines[g.Folder] = append(lines[g.Folder], g)
	}
	return folders, lines
}
