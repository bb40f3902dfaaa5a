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
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// Sweep removes every container and network that a process on this machine has left behind by dying before it could
// clean up, and says what it removed. It never touches what a living process owns.
func Sweep(ctx context.Context) (removed []string, err error) {
	found, err := sweepEngine(ctx)
	return found.removed, err
}

// Clean is Sweep for a person to call: it says what it has done, and what it has left alone because its owner is alive.
func Clean(ctx context.Context) ([]string, error) {
	found, err := sweepEngine(ctx)
	var said []string
	for _, what := range found.removed {
		said = append(said, "removed "+what)
	}
	for _, what := range found.stuck {
		said = append(said, fmt.Sprintf("the engine does not give up the empty %s: restart it some time", what))
	}
	if found.left > 0 {
		said = append(said, fmt.Sprintf("left %d containers and networks alone: their processes are alive", found.left))
	}
	return said, err
}

func sweepEngine(ctx context.Context) (found findings, err error) {
	err = onEngine(ctx, func(engine *client.Client) (err error) {
		found, err = sweep(ctx, engine, ownersDir())
		return err
	})
	return found, err
}

// findings is what a sweep has come upon.
type findings struct {
	removed []string // for people
	stuck   []string // empty networks that the engine would not give up
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
		removed, stuck, err := remove(ctx, engine, labelOwner+"="+owner)
		f.removed = append(f.removed, removed...)
		f.stuck = append(f.stuck, stuck...)
		if err == nil && len(stuck) == 0 {
			err = errors.Join(removeFile(keptPath(dir, owner)), removeFile(lockPath(dir, owner)))
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

// remove removes what carries the label: all containers at once, then the networks that they were on, also where one of them
// could not be removed. It tells what it removed, and which empty networks the engine would not give up.
func remove(ctx context.Context, engine *client.Client, label string) (removed, stuck []string, err error) {
	all, err := list(ctx, engine, label)
	if err != nil {
		return nil, nil, fmt.Errorf("remove what has label %s: %w", label, err)
	}
	for _, networks := range []bool{false, true} {
		var steps []func() error
		var mu sync.Mutex
		for _, t := range all {
			if t.network != networks {
				continue
			}
			steps = append(steps, func() error {
				err := t.remove(ctx, engine)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.Is(err, errStuck):
					stuck = append(stuck, t.what)
					return nil
				case err == nil:
					removed = append(removed, t.what)
				}
				return err
			})
		}
		err = errors.Join(err, together(steps...))
	}
	slices.Sort(removed)
	return removed, stuck, err
}

func (t thing) remove(ctx context.Context, engine *client.Client) error {
	var err error
	if t.network {
		err = removeNetwork(ctx, engine, t.id)
	} else {
		_, err = engine.ContainerRemove(ctx, t.id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	}
	if err == nil || errdefs.IsNotFound(err) { // gone is gone
		return nil
	}
	return fmt.Errorf("remove %s: %w", t.what, err)
}

// errStuck is an empty network that the engine will not give up until it is restarted: it has lost count of those on it
// (moby/moby#42119, seen with Docker 20.10 once in 1500 labs). Nothing can be done about it, and nothing is wrong with
// what ran on it.
var errStuck = errors.New("the engine does not give an empty network up")

// stuckAfter is how often an empty network is tried to be removed.
const stuckAfter = 5

func removeNetwork(ctx context.Context, engine *client.Client, id string) error {
	for attempt := 1; ; attempt++ {
		_, err := engine.NetworkRemove(ctx, id, client.NetworkRemoveOptions{})
		if err == nil || !strings.Contains(err.Error(), "has active endpoints") {
			return err
		}
		inspected, inspectErr := engine.NetworkInspect(ctx, id, client.NetworkInspectOptions{})
		switch {
		case inspectErr != nil || len(inspected.Network.Containers) > 0:
			return errors.Join(err, inspectErr)
		case attempt == stuckAfter:
			return fmt.Errorf("%w: %w", errStuck, err)
		}
		select {
		case <-time.After(200 * time.Millisecond): // it may be counting still
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		}
	}
}
