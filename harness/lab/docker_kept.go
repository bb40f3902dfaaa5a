package lab

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/badgateway/badgateway/harness/filelock"
	"github.com/badgateway/badgateway/harness/record"
)

// go test runs each suite in a process of its own, so that sandboxes are handed over from one process to the next: a file
// beside the lock of the sandbox says what it is, and the lock is let go. Whoever gets the lock, and finds the file, has the
// sandbox. Where nobody comes for it before the parent of these processes has ended, it is as good as anything that the dead
// have left.

// keptSandbox is a sandbox between two processes.
type keptSandbox struct {
	Parent   parent
	Kind     kind
	Labels   labels
	Network  string // its id; its name follows from the labels
	Reach    reach
	Labs     int
	Arrivals int
	Services map[string]keptService
}

type keptService struct {
	ID        string
	Name      string
	Aliases   []string
	Ports     []int
	In        string // the name of the pod; empty for what has a network of its own
	Host      netip.Addr
	Published map[int]string
}

// parent is the process that has started this one: go, as a rule. Began tells it from another one with its number.
type parent struct {
	PID   int
	Began string // empty where the system does not tell
}

func ourParent() parent { return parentOf(os.Getppid()) }

func parentOf(pid int) parent {
	p := parent{PID: pid}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return p
	}
	_, behind, _ := strings.Cut(string(stat), ") ") // proc(5): the name, in brackets, may have blanks
	if fields := strings.Fields(behind); len(fields) > 19 {
		p.Began = fields[19]
	}
	return p
}

func (p parent) alive() bool {
	err := syscall.Kill(p.PID, 0)
	return (err == nil || errors.Is(err, syscall.EPERM)) && parentOf(p.PID) == p
}

func keptPath(dir, owner string) string { return filepath.Join(dir, owner+".kept") }

// isKept reports whether the owner is a sandbox for which somebody may still come.
func isKept(dir, owner string) bool {
	var k keptSandbox
	return record.ReadJSON(keptPath(dir, owner), &k) == nil && k.Parent.alive()
}

// handOver leaves the sandbox to whoever comes next.
func (b *sandbox) handOver() error {
	k := keptSandbox{
		Parent: ourParent(), Kind: b.kind, Labels: b.own, Network: b.network.id, Reach: b.reach, Labs: b.labs, Arrivals: b.arrivals,
		Services: map[string]keptService{},
	}
	for name, s := range b.services {
		kept := keptService{
			ID: s.id, Name: s.spec.name, Aliases: s.spec.aliases, Ports: s.spec.ports, Host: s.host, Published: s.published,
		}
		if s.spec.in != nil {
			kept.In = s.spec.in.spec.name
		}
		k.Services[name] = kept
	}
	err := record.WriteJSON(keptPath(ownersDir(), b.me.id), k)
	return errors.Join(err, b.me.lock.Close(), b.engine.Close()) // with an error too: then it is swept
}

// adopt takes a sandbox of the kind that another process has handed over; nil if there is none. One of which a part has ended
// meanwhile is removed.
func adopt(ctx context.Context, k kind) (*sandbox, error) {
	for {
		b, err := adoptAny(ctx, func(found keptSandbox) bool { return found.Kind == k })
		if b == nil || err != nil || b.whole(ctx) {
			return b, err
		}
		if _, err := b.discard(ctx); err != nil {
			return nil, err
		}
	}
}

// adoptAny takes one that is wanted, of those that processes of our parent have handed over.
func adoptAny(ctx context.Context, wanted func(keptSandbox) bool) (*sandbox, error) {
	dir := ownersDir()
	paths, err := filepath.Glob(keptPath(dir, "*"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		var found keptSandbox
		// One that cannot be read was taken a moment ago, or is for the next sweep.
		if record.ReadJSON(path, &found) != nil || found.Parent != ourParent() || !wanted(found) {
			continue
		}
		me, ours, err := claim(dir, strings.TrimSuffix(filepath.Base(path), ".kept"))
		if err != nil {
			return nil, err
		}
		if !ours {
			continue
		}
		b, err := found.revive(ctx, me)
		if err != nil {
			return nil, errors.Join(err, me.lock.Close())
		}
		return b, nil
	}
	return nil, nil
}

// claim takes the lock of a sandbox that was handed over, unless somebody else has it, or has had it since.
func claim(dir, id string) (me owner, ours bool, err error) {
	file, err := os.OpenFile(lockPath(dir, id), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return owner{}, false, nil
	}
	if err != nil {
		return owner{}, false, err
	}
	held, err := filelock.Try(file)
	if err == nil && held {
		switch err = os.Remove(keptPath(dir, id)); {
		case err == nil:
			return owner{id: id, lock: file}, true, nil // its labels have the host
		case errors.Is(err, os.ErrNotExist):
			err = nil
		}
	}
	return owner{}, false, errors.Join(err, file.Close())
}

// revive is the sandbox again, in this process.
func (k keptSandbox) revive(ctx context.Context, me owner) (*sandbox, error) {
	engine, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	p := &project{engine: engine, own: k.Labels, network: private{name: networkName(k.Labels), id: k.Network}, reach: k.Reach}
	b := &sandbox{project: p, me: me, kind: k.Kind, labs: k.Labs, arrivals: k.Arrivals, services: map[string]*service{}}
	for name, s := range k.Services {
		b.services[name] = &service{
			engine: engine, id: s.ID, spec: spec{name: s.Name, aliases: s.Aliases, ports: s.Ports},
			network: p.network.name, by: k.Reach, host: s.Host, published: s.Published,
		}
	}
	for name, s := range k.Services {
		if s.In != "" {
			b.services[name].spec.in = b.services[s.In]
		}
	}
	return b, nil
}

// whole reports whether all of the sandbox still runs.
func (b *sandbox) whole(ctx context.Context) bool {
	for _, s := range b.services {
		if s.gone(ctx) != nil {
			return false
		}
	}
	return true
}
