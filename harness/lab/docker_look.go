package lab

import (
	"context"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/images"
)

// What is here looks at the engine for a person, and changes nothing there.

// Look tells what Obtain would come upon for each gateway, without doing anything. That of an embedded one is zero.
func Look(ctx context.Context, at []gateways.Gateway) ([]images.Outlook, error) {
	outlooks := make([]images.Outlook, len(at))
	return outlooks, onEngine(ctx, func(engine *client.Client) (err error) {
		for i, g := range at {
			if g.Embedded {
				continue
			}
			if outlooks[i], err = images.Look(ctx, engine, g.Recipe()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Condition is what a person wants to know of the engine before anything is started on it.
type Condition struct {
	Name, API string // "Docker 20.10.24", "1.41"
	Host      string // where it listens
	Reach     string // how the harness reaches containers; "" when that shows only once there are some
	Direct    bool   // without Docker's own proxy in between
	Images    string // the folder it keeps images in, on its machine
	Dead      int    // containers and networks whose process is gone
	Living    int    // those whose process is alive
}

// Examine asks the engine for its condition.
func Examine(ctx context.Context) (c Condition, err error) {
	return c, onEngine(ctx, func(engine *client.Client) error {
		ctx, cancel := context.WithTimeout(ctx, 2*engineTimeout)
		defer cancel()
		version, err := engine.ServerVersion(ctx, client.ServerVersionOptions{})
		if err != nil {
			return err
		}
		info, err := engine.Info(ctx, client.InfoOptions{})
		if err != nil {
			return err
		}
		c.Name, c.API, c.Host, c.Images = product(version), version.APIVersion, engine.DaemonHost(), info.Info.DockerRootDir
		// A lab has a network of its own, which is reached as the one that every Docker has; other engines have none of that name.
		r, err := chooseReach(ctx, engine, "bridge")
		if err != nil && !errdefs.IsNotFound(err) {
			return err
		}
		c.Reach, c.Direct = string(r), r == containerAddress
		c.Dead, c.Living, err = leftovers(ctx, engine, ownersDir())
		return err
	})
}

// product names the engine and its version: "Docker 20.10.24", "Podman Engine 5.4.0".
func product(v client.ServerVersionResult) string {
	name := "Docker"
	if len(v.Components) > 0 && v.Components[0].Name != "Engine" {
		name = v.Components[0].Name
	}
	return name + " " + strings.TrimPrefix(v.Version, "v")
}

// leftovers counts what a sweep would remove, and what it would leave to the living.
func leftovers(ctx context.Context, engine *client.Client, dir string) (dead, living int, err error) {
	host, err := hostID(dir)
	if err != nil {
		return 0, 0, err
	}
	owned, err := list(ctx, engine, labelHost+"="+host)
	if err != nil {
		return 0, 0, err
	}
	for _, t := range owned {
		release, alive, err := takeOver(dir, t.owner)
		if err != nil {
			return dead, living, err
		}
		if alive {
			living++
			continue
		}
		dead++
		if err := release(); err != nil {
			return dead, living, err
		}
	}
	return dead, living, nil
}

// AskRegistry reports why the engine cannot reach the registry of an image, or shall not ask it.
func AskRegistry(ctx context.Context, image string, within time.Duration) error {
	return onEngine(ctx, func(engine *client.Client) error {
		ctx, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		return images.AskRegistry(ctx, engine, image)
	})
}
