package lab

import (
	"context"
	"fmt"

	"github.com/moby/moby/client"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/images"
	"github.com/badgateway/badgateway/harness/topology"
)

// Obtain sees to it that the images of the gateway, the backend and Toxiproxy are on the engine, so that what cannot be
// had is known before anything starts, and nothing is built beside a load that is being measured. It may take minutes,
// which progress, unless nil, is told about.
func Obtain(ctx context.Context, g gateways.Gateway, progress func(string)) error {
	return onEngine(ctx, func(engine *client.Client) error {
		for _, recipe := range []images.Recipe{g.Recipe(), backendRecipe, toxiproxyRecipe} {
			if _, err := obtain(ctx, engine, recipe, progress); err != nil {
				return err
			}
		}
		return nil
	})
}

// Images lists how every image is had that labs need, of these gateways and of all that goes with them, each once.
func Images(of []gateways.Gateway) []images.Recipe {
	recipes := []images.Recipe{backendRecipe, toxiproxyRecipe}
	for _, g := range of {
		if !g.Embedded {
			recipes = append(recipes, g.Recipe())
		}
	}
	return recipes
}

// ObtainImage sees to it that one image is on the engine, as Obtain does for all that a gateway needs.
func ObtainImage(ctx context.Context, r images.Recipe, progress func(string)) (got images.Obtained, err error) {
	err = onEngine(ctx, func(engine *client.Client) error {
		got, err = obtain(ctx, engine, r, progress)
		return err
	})
	return got, err
}

// imageSet is the images of one lab.
type imageSet struct{ gateway, toxiproxy, backend images.Obtained }

var (
	toxiproxyRecipe = images.Recipe{
		Name: "toxiproxy@2.12.0", Image: "ghcr.io/shopify/toxiproxy:2.12.0",
		Build: images.Build{
			GoModule: "github.com/Shopify/toxiproxy/v2@v2.12.0", GoPackage: "./cmd/server",
			GoVersionVar: "github.com/Shopify/toxiproxy/v2.Version",
		},
	}
	backendRecipe = images.Recipe{
		Name: "backend", Build: images.Build{GoPackage: "github.com/badgateway/badgateway/fixtures/backend/cmd/backend"},
	}
)

func obtainAll(ctx context.Context, engine *client.Client, p Plan) (set imageSet, err error) {
	want := func(into *images.Obtained, r images.Recipe) func() error {
		return func() (err error) {
			*into, err = obtain(ctx, engine, r, p.Progress)
			return err
		}
	}
	steps := []func() error{want(&set.gateway, p.Gateway.Recipe()), want(&set.backend, backendRecipe)}
	if len(p.Links) > 0 {
		steps = append(steps, want(&set.toxiproxy, toxiproxyRecipe))
	}
	return set, together(steps...)
}

// What this process has found out, so that it is asked for once and not for each scenario.
var (
	obtained memo[images.Obtained]
	printed  memo[string]
)

func obtain(ctx context.Context, engine *client.Client, r images.Recipe, progress func(string)) (images.Obtained, error) {
	return obtained.get(ctx, fmt.Sprintf("%+v", r), func() (images.Obtained, error) {
		return images.Obtain(ctx, engine, r, progress)
	})
}

// detect asks the gateway in the image for its version, in the house that it is to live in or in a container of its own.
func (l *inDocker) detect(ctx context.Context, image images.Obtained) error {
	g := l.plan.Gateway
	text, err := printed.get(ctx, fmt.Sprintf("%s %q", image.ID, g.Version.Command), func() (string, error) {
		if l.sandbox != nil {
			return l.sandbox.ask(ctx, l.plan.inner(), image)
		}
		s, err := l.run(ctx, spec{name: "version", image: image, command: g.Version.Command, alone: true})
		if err != nil {
			return "", err
		}
		text, err := s.output(ctx)
		return string(text), err
	})
	if err != nil {
		return fmt.Errorf("%s: version.command %q: %w", g.DefinitionFile(), g.Version.Command, err)
	}
	if l.facts.Version, err = g.Detect(text); err != nil {
		return err
	}
	return onLine(g, l.facts.Version, image)
}

// onLine checks that the image is of the release line it stands for. A line without a number stands for none.
func onLine(g gateways.Gateway, v topology.Version, image images.Obtained) error {
	if numbered := g.Line.HasPrefix(g.Line); !numbered || v.HasPrefix(g.Line) {
		return nil
	}
	return fmt.Errorf("%s: versions: %s: the image %s says it is %s", g.DefinitionFile(), g.Line, image.Ref, v)
}
