package lab

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/badgateway/badgateway/fixtures/images"
	"github.com/badgateway/badgateway/harness/fault"
)

// To start a container takes half a second of a processor and more, most of it for its network, which is several times what
// a scenario needs for itself. So labs whose faults leave processes, addresses and packets alone have the same sandboxes, one
// after another: a network with the backends and the pod in which the gateway is to run. The gateway's container is always a
// new one, and each backend begins anew in its container, as another process, so that nothing is handed on but addresses.
//
//	lab 1   gateway --.                     .--> orders-1 --restart--.
//	                   >-- pod, network ---<                          >-- the same containers, new processes
//	lab 2   gateway --'                     '--> orders-2 --restart--'

// Sandboxes keeps the sandboxes that labs have left for the next ones. The zero value is ready for use. Close must be called
// when no lab is left.
type Sandboxes struct {
	mu   sync.Mutex
	idle []*sandbox
}

// sandbox is a project of its own.
type sandbox struct {
	*project
	listen   int // where its gateway listens
	labs     int // that had it
	arrivals int // at its backends, over all labs

	mu       sync.Mutex
	services map[string]*service // pod and backends, by name
}

const (
	// mostArrivals is after how many arrivals a sandbox is given up. Each may leave a port of the gateway's pod behind that
	// cannot be used for a minute, of the 28,000 that the kernel has.
	mostArrivals = 8000
	// mostIdle is how many sandboxes are kept for those who come next.
	mostIdle = 8
)

// shares reports whether the lab can have what others have had before it. A fixed config names its backends by itself, as
// does every other; what cannot be shared is what is done to processes, networks and links.
func (p Plan) shares() bool {
	own := func(n fault.Need) bool { return n != fault.Reload }
	return p.Sandboxes != nil && p.Front == nil && len(p.Links) == 0 && len(p.Successors) == 0 && !slices.ContainsFunc(p.Needs, own)
}

// take returns a sandbox that nobody else has.
func (s *Sandboxes) take(ctx context.Context, p Plan) (*sandbox, error) {
	if found := s.find(p.Gateway.Listen); found != nil {
		return found, nil
	}
	p.Scenario = "several scenarios, one after another"
	own, err := newProject(ctx, p)
	if err != nil {
		return nil, err
	}
	made := &sandbox{project: own, listen: p.Gateway.Listen, services: map[string]*service{}}
	if err := made.openNetwork(ctx, anyAddresses); err != nil {
		_, removeErr := made.discard(ctx)
		return nil, errors.Join(err, removeErr)
	}
	return made, nil
}

func (s *Sandboxes) find(listen int) *sandbox {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.idle, func(b *sandbox) bool { return b.listen == listen })
	if i < 0 {
		return nil
	}
	found := s.idle[i]
	s.idle = slices.Delete(s.idle, i, i+1)
	return found
}

// leave leaves a sandbox to the next lab, unless it is spoilt or has had its time. What takes too much room goes from the
// engine; stuck is what that would not give up.
func (s *Sandboxes) leave(ctx context.Context, b *sandbox, spoilt error) (stuck []string, err error) {
	b.labs++
	if spoilt != nil || b.arrivals >= mostArrivals {
		return b.discard(ctx)
	}
	s.mu.Lock()
	s.idle = append(s.idle, b)
	var eldest *sandbox
	if len(s.idle) > mostIdle {
		eldest, s.idle = s.idle[0], s.idle[1:]
	}
	s.mu.Unlock()
	if eldest == nil {
		return nil, nil
	}
	return eldest.discard(ctx)
}

// Close removes all that is kept, and reports what could not be.
func (s *Sandboxes) Close(ctx context.Context) error {
	s.mu.Lock()
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	var steps []func() error
	for _, b := range idle {
		steps = append(steps, func() error {
			_, err := b.discard(ctx)
			return err
		})
	}
	return together(steps...)
}

// discard removes the sandbox, whatever became of the run's own context.
func (b *sandbox) discard(ctx context.Context) (stuck []string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), createTimeout)
	defer cancel()
	return b.remove(ctx)
}

// backend is the container of a backend, which has just begun there.
func (b *sandbox) backend(ctx context.Context, s spec) (*service, error) {
	return b.once(s.name, func() (*service, error) { return b.run(ctx, s) })
}

// pod is where the gateway is to run.
func (b *sandbox) pod(ctx context.Context, of spec, backend images.Obtained) (*service, error) {
	return b.once(of.name, func() (*service, error) { return b.project.pod(ctx, of, backend) })
}

// once starts a service if there is none of that name yet. Each name is asked for by one at a time.
func (b *sandbox) once(name string, start func() (*service, error)) (*service, error) {
	b.mu.Lock()
	known := b.services[name]
	b.mu.Unlock()
	if known != nil {
		return known, nil
	}
	started, err := start()
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.services[name] = started
	return started, nil
}

// clear has the backends of a lab begin anew.
func (b *sandbox) clear(ctx context.Context, used []*replica) error {
	arrived := make([]int, len(used))
	var steps []func() error
	for i, r := range used {
		steps = append(steps, about("backend "+r.String(), func() (err error) {
			arrived[i], err = r.restart(ctx)
			return err
		}))
	}
	err := together(steps...)
	for _, n := range arrived {
		b.arrivals += n
	}
	return err
}
