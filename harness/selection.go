package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/lab"
	"github.com/badgateway/badgateway/harness/topology"
)

// choice is one selected gateway.
type choice struct {
	gateways.Gateway
	// named says that the gateway itself was asked for, and not just everything there is: then it must be had.
	named bool
	// missing says why it cannot be had here.
	missing error
}

// choose reads a selection such as "nginx@1.26,haproxy@all,./my-gateway,all".
func choose(selection string) ([]choice, error) {
	shipped, err := gateways.Shipped()
	if err != nil {
		return nil, err
	}
	var chosen []choice
	for word := range strings.SplitSeq(selection, ",") {
		found, err := chooseWord(strings.TrimSpace(word), shipped)
		if err != nil {
			return nil, fmt.Errorf("-bg.gateway=%s: %w", selection, err)
		}
		for _, c := range found {
			same := func(d choice) bool { return d.String() == c.String() && d.Origin == c.Origin }
			if i := slices.IndexFunc(chosen, same); i >= 0 {
				chosen[i].named = chosen[i].named || c.named
				continue
			}
			chosen = append(chosen, c)
		}
	}
	return chosen, nil
}

func chooseWord(word string, shipped []*gateways.Folder) ([]choice, error) {
	if word == "" {
		return nil, errors.New("an empty name")
	}
	if word == "all" {
		var all []choice
		for _, f := range shipped {
			for _, g := range f.Lines() {
				all = append(all, choice{Gateway: g})
			}
		}
		return all, nil
	}
	name, line, hasLine := strings.Cut(word, "@")
	folder, err := findFolder(name, shipped)
	if err != nil {
		return nil, err
	}
	lines := folder.Lines()
	switch {
	case line == "all":
		all := make([]choice, len(lines))
		for i, g := range lines {
			all[i] = choice{Gateway: g}
		}
		return all, nil
	case !hasLine:
		return []choice{{Gateway: folder.Newest(), named: true}}, nil
	}
	i := slices.IndexFunc(lines, func(g gateways.Gateway) bool { return g.Line == topology.Version(line) })
	if i < 0 {
		known := make([]string, len(lines))
		for i, g := range lines {
			known[i] = string(g.Line)
		}
		return nil, fmt.Errorf("%s has no version %q, want %s or all", name, line, strings.Join(known, ", "))
	}
	return []choice{{Gateway: lines[i], named: true}}, nil
}

func findFolder(name string, shipped []*gateways.Folder) (*gateways.Folder, error) {
	if strings.ContainsAny(name, "/\\") || strings.HasPrefix(name, ".") {
		dir, err := existing(name)
		if err != nil {
			return nil, err
		}
		return gateways.Read(os.DirFS(dir), dir)
	}
	names := make([]string, len(shipped))
	for i, f := range shipped {
		if f.Name == name {
			return f, nil
		}
		names[i] = f.Name
	}
	return nil, fmt.Errorf("unknown gateway %q, want %s, all, or a folder like ./my-gateway", name, strings.Join(names, ", "))
}

// obtain finds out, before anything starts, which of the chosen gateways can be had here, and gets their images.
func obtain(ctx context.Context, chosen []choice, progress func(string)) error {
	var engine error
	asked := false
	for i := range chosen {
		c := &chosen[i]
		if c.Embedded {
			continue
		}
		if !asked {
			engine, asked = lab.Engine(ctx), true
		}
		if c.missing = engine; engine == nil {
			c.missing = lab.Obtain(ctx, c.Gateway, progress)
		}
		if c.missing != nil && c.named {
			return fmt.Errorf("gateway %s: %w", c, c.missing)
		}
	}
	return ctx.Err()
}
