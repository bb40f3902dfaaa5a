package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/toxiproxy"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/topology"
)

// processOfBackend is what is done to a backend.
type processOfBackend interface {
	process
	// home is the container that has its address.
	home() *service
	// signal sends a signal to it, unless it has ended, and ended waits for that.
	signal(ctx context.Context, number uint) error
	ended(ctx context.Context) error
	pause(ctx context.Context) error
	resume(ctx context.Context) error
	// open opens a file of its own, whether it has ended or not.
	open(ctx context.Context, path string) (io.ReadCloser, error)
}

// Containers have Linux's numbers (signal(7)), whatever this machine's own are: those of macOS are others.
const (
	sigKill = 9
	sigTerm = 15
	sigCont = 18
	sigStop = 19
)

// box is a place for backends in a container.
type box struct {
	processOfBackend
	lab      *inDocker
	identity string // in answers
	toxics   *toxiproxy.Link
	linked   int // the port of the Toxiproxy through which it is reached
}

// settle starts a backend in its pod in the sandbox, or in a container of its own. Links of first lives are made once all backends and the Toxiproxy run.
func (l *inDocker) settle(ctx context.Context, name string, r topology.Replica) (place, error) {
	started, err := l.runBackend(ctx, l.backend(name, r.String()))
	if err != nil {
		return nil, err
	}
	at := &box{processOfBackend: started, lab: l, identity: r.String()}
	if !l.linked || !slices.Contains(l.plan.Links, r) {
		return at, nil
	}
	l.mu.Lock()
	l.links++
	port := firstLinkPort + len(l.plan.Links) + l.links - 1
	l.mu.Unlock()
	if l.reach == publishedPort {
		return at, errors.New("a link for another life needs a port of the Toxiproxy, and those are published when it starts")
	}
	return at, at.connect(ctx, port)
}

func (l *inDocker) runBackend(ctx context.Context, s spec) (processOfBackend, error) {
	if l.sandbox == nil {
		return l.runInPod(ctx, s)
	}
	pod, err := l.sandbox.pod(ctx, s)
	if err != nil {
		return nil, err
	}
	return l.sandbox.settle(ctx, pod, s)
}

// usurp starts a backend in the pod of another one, where it waits until that has ended and its ports are free. It is in a container
// of its own, in a sandbox too: a supervisor runs one at a time.
func (l *inDocker) usurp(ctx context.Context, name string, of place, rules []backend.Rule) (place, func(context.Context) error, error) {
	pod := of.(*box).home()
	if !l.plan.needs(fault.FixedAddress) {
		return nil, nil, fmt.Errorf("the address of %s does not stay: the plan does not need that", pod.spec.name)
	}
	s := l.backend(pod.spec.name+"-impostor", name)
	s.in = pod
	s.args = append(s.args, "-wait")
	for _, r := range rules {
		text, err := json.Marshal(r)
		if err != nil {
			return nil, nil, err
		}
		s.args = append(s.args, "-rule", string(text))
	}
	started, err := l.run(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	waits := func(ctx context.Context) error {
		log, err := started.readLog(ctx)
		if err == nil && !bytes.Contains(log, []byte("waiting")) {
			err = errors.New("it does not wait yet")
		}
		return err
	}
	takeOver := func(context.Context) error { return nil } // by itself
	by := &box{processOfBackend: started, lab: l, identity: name}
	return by, takeOver, by.await(ctx, waits)
}

// backend is the container of a backend.
func (l *inDocker) backend(name, identity string) spec {
	args := []string{
		"-name", identity, "-listen", portOf(dataPort), "-control", portOf(controlPort), "-journal", journalPath,
	}
	s := spec{name: name, image: l.images.backend, args: args, ports: []int{controlPort, dataPort}}
	if l.plan.needs(fault.Firewall) { // that of the container's own network namespace
		s.args, s.capabilities = append(s.args, "-firewall"), []string{"NET_ADMIN"}
	}
	return s
}

func (b *box) control() backend.Remote {
	return backend.Remote{Name: b.identity, Address: b.address(controlPort)}
}

func (b *box) upstream() gateways.Upstream {
	address := b.inside()
	if b.toxics != nil {
		address = "toxiproxy" + portOf(b.linked)
	}
	return gateways.Upstream{Name: b.home().spec.name, Address: address}
}

// inside is where it is reached within the lab's network: by its name, or by its address where it can be taken from the
// network. The engine forgets the name of a container that is not there, and a gateway that cannot resolve a name does not
// reload.
func (b *box) inside() string {
	if at := b.home().spec.address; at.IsValid() && !b.lab.plan.Gateway.Fixed() {
		return net.JoinHostPort(at.String(), strconv.Itoa(dataPort))
	}
	return b.home().spec.name + portOf(dataPort)
}

func (b *box) dial() string {
	if b.toxics != nil {
		return b.lab.toxic.address(b.linked)
	}
	return b.address(dataPort)
}

func (b *box) link() fault.Toxics {
	if b.toxics == nil {
		return nil
	}
	return b.toxics
}

func (b *box) cable() fault.Cable {
	if !b.lab.plan.needs(fault.Network) {
		return nil
	}
	return b.home()
}

// connect puts a link of the Toxiproxy's before it.
func (b *box) connect(ctx context.Context, port int) error {
	remote := toxiproxy.Remote{Address: b.lab.toxic.address(toxicPort)}
	name := b.home().spec.name
	link, err := remote.Connect(ctx, name, "0.0.0.0"+portOf(port), b.inside())
	if err != nil {
		return fmt.Errorf("link to %s: %w", name, err)
	}
	b.toxics, b.linked = &link, port
	return nil
}

func (b *box) kill(ctx context.Context) error {
	if err := b.signal(ctx, sigKill); err != nil {
		return err
	}
	return b.ended(ctx)
}

func (b *box) stop(ctx context.Context, grace time.Duration) error {
	if err := b.signal(ctx, sigTerm); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if b.ended(waiting) == nil {
		return nil
	}
	return b.kill(ctx)
}

func (b *box) await(ctx context.Context, try func(context.Context) error) error {
	return explain(ctx, b, await(ctx, b.gone, try))
}

// journal asks the backend for its journal and, where there is nobody to be asked any more, its supervisor, or the engine, which
// takes as long for it as for starting a container.
func (b *box) journal(ctx context.Context) (io.ReadCloser, error) {
	if b.gone(ctx) == nil {
		if told, err := b.control().Journal(ctx); err == nil {
			return told, nil
		}
	}
	return b.open(ctx, journalPath)
}

// startToxiproxy starts Toxiproxy if there is a link that leads through it.
func (l *inDocker) startToxiproxy(ctx context.Context) error {
	if len(l.plan.Links) == 0 {
		return nil
	}
	s := spec{name: "toxiproxy", image: l.images.toxiproxy, args: []string{"-host", "0.0.0.0"}, ports: []int{toxicPort}}
	for i := range l.plan.Links {
		s.ports = append(s.ports, firstLinkPort+i)
	}
	started, err := l.runToxiproxy(ctx, s)
	if err != nil {
		return err
	}
	l.toxic = started
	remote := toxiproxy.Remote{Address: l.toxic.address(toxicPort)}
	err = await(ctx, l.toxic.gone, func(ctx context.Context) error {
		_, err := remote.Version(ctx)
		return err
	})
	if err != nil {
		return explain(ctx, l.toxic, err)
	}
	return remote.Check(ctx)
}

func (l *inDocker) runToxiproxy(ctx context.Context, s spec) (process, error) {
	if l.sandbox == nil {
		return l.run(ctx, s)
	}
	house, err := l.sandbox.house(ctx, s.name+"-house", s)
	if err != nil {
		return nil, err
	}
	return l.sandbox.settle(ctx, house, s)
}

func (l *inDocker) connectLinks(ctx context.Context) error {
	for i, r := range l.plan.Links {
		linked := find(l.replicas, r)
		if linked == nil {
			return fmt.Errorf("link to %s: no such backend", r)
		}
		if err := linked.current().at.(*box).connect(ctx, firstLinkPort+i); err != nil {
			return err
		}
	}
	l.linked = true
	return nil
}
