package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/badgateway/badgateway/harness/lab"
	"github.com/badgateway/badgateway/harness/topology"
)

const oldestAPI topology.Version = "1.41"

const (
	enoughDisk = 5_000_000_000
	// askedImage is small, and wherever Docker Hub or a mirror of it is.
	askedImage   = "docker.io/library/hello-world:latest"
	registryWait = 5 * time.Second
)

func checkEngine(ctx context.Context) []finding {
	c, err := lab.Examine(ctx)
	if err != nil {
		return []finding{{warn, engineLine, err.Error(), ""}}
	}
	free, err := freeSpace(c.Images)
	return []finding{engine(c), reach(c), disk(c, free, err), leftovers(c)}
}

func engine(c lab.Condition) finding {
	said := fmt.Sprintf("%s, API %s, at %s, on this machine", c.Name, c.API, c.Host)
	if !topology.Version(c.API).AtLeast(oldestAPI) {
		return finding{warn, engineLine, said, fmt.Sprintf("update it: nothing older than API %s has been tried", oldestAPI)}
	}
	return fine(engineLine, said)
}

func reach(c lab.Condition) finding {
	const what = "way to containers"
	switch {
	case c.Reach == "":
		return fine(what, "not known before a scenario runs: the engine has no network named bridge")
	case c.Direct:
		return fine(what, "by "+c.Reach)
	}
	return finding{
		warn, what, "by " + c.Reach + ": the engine's port proxy is in between and rewrites resets",
		"for exact outcomes run on the engine's own Linux host",
	}
}

func disk(c lab.Condition, free uint64, err error) finding {
	const what = "disk for images"
	if err != nil {
		return fine(what, fmt.Sprintf("not known: %s cannot be seen from here (%v)", c.Images, err))
	}
	said := fmt.Sprintf("%.1f GB free in %s", float64(free)/1e9, c.Images)
	if free < enoughDisk {
		return finding{warn, what, said, "docker image prune --all --filter label=badgateway.image removes what was built here"}
	}
	return fine(what, said)
}

func leftovers(c lab.Condition) finding {
	const what = "leftovers"
	said := fmt.Sprintf("%d containers and networks of dead runs, %d of living ones", c.Dead, c.Living)
	if c.Dead > 0 {
		return finding{warn, what, said, "badgateway clean"}
	}
	return fine(what, said)
}

// freeSpace is what is left for somebody who is not root.
func freeSpace(dir string) (uint64, error) {
	if dir == "" {
		return 0, errors.New("the engine does not say where")
	}
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}

func checkRegistry(ctx context.Context) []finding {
	if err := lab.Engine(ctx); err != nil {
		return nil // the engine's own line says so
	}
	return []finding{registry(lab.AskRegistry(ctx, askedImage, registryWait))}
}

func registry(err error) finding {
	const what = "registry"
	if err == nil {
		return fine(what, "docker.io answers the engine")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s", registryWait)
	}
	return finding{warn, what, fmt.Sprintf("not reachable, images will be built: %v", err), "if there is a mirror, tell the engine (registry-mirrors)"}
}
