package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/badgateway/badgateway/fixtures/images"
	"github.com/badgateway/badgateway/harness/topology"
)

const oldestGo topology.Version = "go1.26"

const (
	naps        = 50
	nap         = 10 * time.Millisecond
	lateNap     = 50 * time.Millisecond
	mirrorWait  = 5 * time.Second
	modulesWait = 10 * time.Second
	// askedModule is small, and one that badgateway itself needs.
	askedModule = "go.uber.org/goleak@v1.3.0"
)

// checkClock measures how late this process wakes up: a client that is late makes a scenario inconclusive.
func checkClock(ctx context.Context) []finding {
	var worst time.Duration
	for range naps {
		if ctx.Err() != nil {
			return nil
		}
		began := time.Now()
		time.Sleep(nap)
		worst = max(worst, time.Since(began)-nap)
	}
	return []finding{clock(worst)}
}

func clock(worst time.Duration) finding {
	const what = "clock"
	said := fmt.Sprintf("of %d sleeps of %s the worst woke %s late", naps, nap, worst.Round(10*time.Microsecond))
	if worst > lateNap {
		return finding{warn, what, said, "this machine is busy: scenarios may end inconclusive"}
	}
	return fine(what, said)
}

func checkGo(ctx context.Context) []finding {
	out, err := goCommand(ctx, os.TempDir(), "env", "GOVERSION")
	return []finding{toolchain(topology.Version(out), err)}
}

func toolchain(v topology.Version, err error) finding {
	const what, mend = "Go toolchain", "install Go 1.26 or newer from https://go.dev/dl"
	if err != nil {
		return finding{fail, what, err.Error(), mend}
	}
	if strings.HasPrefix(string(v), "go") && !v.AtLeast(oldestGo) { // a development version has no number
		return finding{fail, what, string(v), mend}
	}
	return fine(what, string(v))
}

func checkProcessors(context.Context) []finding {
	return []finding{processors(runtime.GOMAXPROCS(0))}
}

func processors(n int) finding {
	said := fmt.Sprintf("%d for this process", n)
	if n < 2 {
		return finding{warn, "CPUs", said, "with fewer than 2, load and gateway get in each other's way"}
	}
	return fine("CPUs", said)
}

func checkRunFolder(context.Context) []finding {
	dir := runFolder()
	return []finding{writable(dir, tryWriting(dir))}
}

func writable(dir string, err error) finding {
	if err != nil {
		return finding{fail, "run folder", err.Error(), "set BADGATEWAY_OUT to a folder that can be written"}
	}
	return fine("run folder", dir+" can be written")
}

// runFolder is where make, and a suite in a clone, keep the facts of runs; elsewhere they are in the user's cache.
func runFolder() string {
	if out := os.Getenv("BADGATEWAY_OUT"); out != "" {
		return out
	}
	if _, err := os.Stat("suites"); err == nil {
		return filepath.Join("reports", "runs")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "badgateway", "runs")
}

// tryWriting writes a file where dir is, or where it would be made, and removes it.
func tryWriting(dir string) error {
	dir = filepath.Clean(dir)
	for {
		_, err := os.Stat(dir)
		if !errors.Is(err, os.ErrNotExist) || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	file, err := os.CreateTemp(dir, "doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

func checkMmdebstrap(context.Context) []finding {
	path, err := exec.LookPath("mmdebstrap")
	return []finding{mmdebstrap(path, err)}
}

func mmdebstrap(path string, err error) finding {
	if err != nil {
		return finding{warn, "mmdebstrap", "not installed: no image can be built from Debian packages", "apt-get install mmdebstrap"}
	}
	return fine("mmdebstrap", path)
}

func checkMirror(ctx context.Context) []finding {
	ctx, cancel := context.WithTimeout(ctx, mirrorWait)
	defer cancel()
	return []finding{mirror(images.AskMirror(ctx))}
}

func mirror(address string, asked bool, err error) finding {
	const what = "Debian mirror"
	switch {
	case err != nil:
		return finding{warn, what, fmt.Sprintf("%s: %v", address, err), "set BADGATEWAY_DEBIAN_MIRROR to one that can be reached"}
	case !asked:
		return fine(what, address+", not asked")
	}
	return fine(what, address+" answers")
}

// checkModules asks for a module as a build would, with an empty cache, so that the answer is not the cache's.
func checkModules(ctx context.Context) []finding {
	ctx, cancel := context.WithTimeout(ctx, modulesWait)
	defer cancel()
	dir, err := os.MkdirTemp("", "badgateway-doctor-")
	if err == nil {
		defer os.RemoveAll(dir)
		_, err = goCommand(ctx, dir, "list", "-m", "-json", askedModule)
	}
	return []finding{modules(err)}
}

func modules(err error) finding {
	const what = "Go modules"
	if err != nil {
		return finding{warn, what, fmt.Sprintf("no image can be built from a Go module: %v", err), "set GOPROXY to a proxy that can be reached"}
	}
	return fine(what, askedModule+" can be fetched")
}

// goCommand runs go outside of any module, and returns what it printed.
func goCommand(ctx context.Context, dir string, args ...string) (string, error) {
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errOut
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod -modcacherw", "GOMODCACHE="+filepath.Join(dir, "modcache"))
	cmd.WaitDelay = time.Second // a child of it may keep the pipes
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("go %s: no answer in time", args[0])
	case errors.Is(err, exec.ErrNotFound):
		return "", errors.New("go is not installed")
	case err != nil:
		return "", fmt.Errorf("go %s: %w: %s", args[0], err, strings.TrimSpace(errOut.String()))
	}
	return strings.TrimSpace(out.String()), nil
}
