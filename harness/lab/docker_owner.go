package lab

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/moby/client"

	"github.com/badgateway/badgateway/harness/filelock"
)

// The labels on every container and network of a lab.
const (
	labelLab      = "badgateway.lab"      // the lab it belongs to
	labelOwner    = "badgateway.owner"    // the process that started the lab
	labelHost     = "badgateway.host"     // where the owner's lock is to be found
	labelScenario = "badgateway.scenario" // for people
)

type labels map[string]string

func (l labels) clone() labels { return maps.Clone(l) }

// owner is a process that starts labs. It holds a lock, on a file of its name, for as long as it lives: the kernel lets
// go of the lock however the process ends. So whoever can take the lock may remove what the owner has left.
type owner struct {
	id, host string
	lock     *os.File
}

// self is this process; it is made an owner when it starts its first lab in Docker.
var self memo[owner]

// ownLabels returns the labels of a new lab of this process. Before the first one, leftovers of other processes are swept.
func ownLabels(ctx context.Context, engine *client.Client, p Plan) (labels, error) {
	me, err := self.get(ctx, "", func() (owner, error) {
		me, err := register(ownersDir())
		if err != nil {
			return owner{}, err
		}
		swept, err := sweep(ctx, engine, ownersDir())
		if p.Progress != nil {
			for _, what := range swept.removed {
				p.Progress("swept " + what)
			}
			if err != nil { // what others have left behind is no reason not to start
				p.Progress("sweep: " + err.Error())
			}
		}
		return me, nil
	})
	if err != nil {
		return nil, fmt.Errorf("docker lab: lock of this process: %w", err)
	}
	return labels{labelLab: randomID(), labelOwner: me.id, labelHost: me.host, labelScenario: p.Scenario}, nil
}

// ownersDir is where the locks are.
func ownersDir() string { return filepath.Join(MeetingPlace(), "owners") }

// MeetingPlace is the folder by which the processes of one user know of each other. It may not be there yet.
func MeetingPlace() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = filepath.Join(os.TempDir(), fmt.Sprintf("badgateway-%d", os.Getuid()))
	}
	return filepath.Join(cache, "badgateway")
}

// register makes the process an owner. The lock is taken before the file has its name, so that nobody finds it free.
func register(dir string) (owner, error) {
	host, err := hostID(dir)
	if err != nil {
		return owner{}, err
	}
	file, err := os.CreateTemp(dir, "new-*")
	if err != nil {
		return owner{}, err
	}
	me := owner{id: randomID(), host: host, lock: file}
	held, err := filelock.Try(file)
	if err == nil && !held {
		err = fmt.Errorf("%s is locked by another process", file.Name())
	}
	if err == nil {
		err = os.Rename(file.Name(), lockPath(dir, me.id))
	}
	if err != nil {
		return owner{}, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return me, nil
}

func lockPath(dir, owner string) string { return filepath.Join(dir, owner+".lock") }

// takeOver takes the lock of an owner that is dead and returns how to let go of it; alive says that there is none to take.
// An owner without a file is dead: its lock was removed with all that it had left then. What is kept for processes that may
// still come is alive as well.
func takeOver(dir, owner string) (release func() error, alive bool, err error) {
	file, err := os.OpenFile(lockPath(dir, owner), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return func() error { return nil }, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	held, err := filelock.Try(file)
	if err != nil || !held || isKept(dir, owner) {
		return nil, err == nil, errors.Join(err, file.Close())
	}
	return file.Close, false, nil
}

// hostID names this machine together with the directory of the locks: who sees the same machine and another directory,
// as another user does or a container that shares the engine, cannot tell whether our processes live.
func hostID(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	directory, err := directoryID(filepath.Join(dir, "id"))
	if err != nil {
		return "", err
	}
	name, err := os.Hostname()
	if err != nil {
		return "", err
	}
	machine, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		machine = nil // not every system has one
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{name, string(machine), directory}, "\n")))
	return hex.EncodeToString(sum[:8]), nil
}

// directoryID reads the directory's name for itself, or gives it one.
func directoryID(path string) (id string, err error) {
	release, err := filelock.Exclusive(context.Background(), path) // held for moments
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, release()) }()
	text, err := os.ReadFile(path)
	if err != nil || len(text) > 0 {
		return string(text), err
	}
	id = randomID()
	return id, os.WriteFile(path, []byte(id), 0o644)
}

func randomID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
