package harness

import (
	"context"
	"fmt"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/lab"
)

// choice is one selected gateway.
type choice struct {
	gateways.Selected
	// missing says why it cannot be had here.
	missing error
}

// choose reads what -bg.gateway says.
func choose(selection string) ([]choice, error) {
	selected, err := gateways.Select(selection, existing)
	if err != nil {
		return nil, fmt.Errorf("-bg.gateway=%s: %w", selection, err)
	}
	chosen := make([]choice, len(selected))
	for i, s := range selected {
		chosen[i].Selected = s
	}
	return chosen, nil
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
		if c.missing != nil && c.Named {
			return fmt.Errorf("gateway %s: %w", c, c.missing)
		}
	}
	return ctx.Err()
}
