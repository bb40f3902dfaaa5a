package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// Sweep removes every container and network that a process on this machine has left behind by dying before it could
// clean up, and says what it removed. It never touches what a living process owns.
func Sweep(ctx context.Context) (removed []string, err error) {
	engine, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	found, err := sweep(ctx, engine, ownersDir())
	return found.removed, errors.Join(err, engine.Close())
}

// Clean is Sweep for a person to call: it says what it has done, and what it has left alone because its owner is alive.
func Clean(ctx context.Context) ([]string, error) {
	engine, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	found, err := sweep(ctx, engine, ownersDir())
	var said []string
	for _, what := range found.removed {
		said = append(said, "removed "+what)
	}
	if found.left > 0 {
		said = append(said, fmt.Sprintf("left %d containers and networks alone: their processes are alive", found.left))
	}
	return said, errors.Join(err, engine.Close())
}

// findings is what a sweep has come upon.
type findings struct {
	removed []string // for people
	left    int      // what belongs to the living
}

// sweep removes what dead owners have left, and then their locks. A lock is held while its owner's leftovers go, so two
// sweeps do not get into each other's way.
func sweep(ctx context.Context, engine *client.Client, dir string) (f findings, err error) {
	host, err := hostID(dir)
	if err != nil {
		return f, err
	}
	owned, err := list(ctx, engine, labelHost+"="+host)
	if err != nil {
		return f, err
	}
	locks, err := filepath.Glob(lockPath(dir, "*"))
	if err != nil {
		return f, err
	}
	byOwner := map[string]int{}
	for _, path := range locks {
		byOwner[strings.TrimSuffix(filepath.Base(path), ".lock")] = 0
	}
	for _, t := range owned {
		byOwner[t.owner]++
	}
	var errs []error
	for _, owner := range slices.Sorted(maps.Keys(byOwner)) {
		release, alive, err := takeOver(dir, owner)
		if alive || err != nil {
			f.left += byOwner[owner]
			errs = append(errs, err)
			continue
		}
		removed, err := remove(ctx, engine, labelOwner+"="+owner)
		f.removed = append(f.removed, removed...)
		if err == nil {
			err = removeFile(lockPath(dir, owner))
		}
		errs = append(errs, err, release())
	}
	return f, errors.Join(errs...)
}

func removeFile(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// thing is a container or a network of a lab.
type thing struct {
	id, owner string
	what      string // for people
	network   bool
}

// list lists what carries the label.
func list(ctx context.Context, engine *client.Client, label string) ([]thing, error) {
	filter := make(client.Filters).Add("label", label)
	containers, err := engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filter})
	if err != nil {
		return nil, err
	}
	networks, err := engine.NetworkList(ctx, client.NetworkListOptions{Filters: filter})
	if err != nil {
		return nil, err
	}
	var all []thing
	for _, c := range containers.Items {
		what := fmt.Sprintf("container %s of %s", strings.TrimPrefix(strings.Join(c.Names, ","), "/"), c.Labels[labelScenario])
		all = append(all, thing{id: c.ID, owner: c.Labels[labelOwner], what: what})
	}
	for _, n := range networks.Items {
		what := fmt.Sprintf("network %s of %s", n.Name, n.Labels[labelScenario])
		all = append(all, thing{id: n.ID, owner: n.Labels[labelOwner], what: what, network: true})
	}
	return all, nil
}

// remove removes what carries the label: all containers at once, then the networks that they were on.
func remove(ctx context.Context, engine *client.Client, label string) (removed []string, err error) {
	all, err := list(ctx, engine, label)
	if err != nil {
		return nil, fmt.Errorf("remove what has label %s: %w", label, err)
	}
	for _, networks := range []bool{false, true} {
		var steps []func() error
		for _, t := range all {
			if t.network == networks {
				steps = append(steps, func() error { return t.remove(ctx, engine) })
				removed = append(removed, t.what)
			}
		}
		if err := together(steps...); err != nil {
			return nil, err
		}
	}
	return removed, nil
}

func (t thing) remove(ctx context.Context, engine *client.Client) error {
	var err error
	if t.network {
		_, err = engine.NetworkRemove(ctx, t.id, client.NetworkRemoveOptions{})
	} else {
		_, err = engine.ContainerRemove(ctx, t.id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	}
	if err == nil || errdefs.IsNotFound(err) { // gone is gone
		return nil
	}
	return fmt.Errorf("remove %s: %w", t.what, err)
}
