package lab

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/badgateway/badgateway/fixtures/images"
	"github.com/badgateway/badgateway/harness/fault"
)

// To start a container takes half a second of a processor and more, most of it for its network, which is several times what
// a scenario needs for itself. So labs of one kind have the same sandboxes, one after another: a network, and in it the containers
// in which gateways, the Toxiproxy and backends are to run. There each of them is a process of its lab's own, so that nothing is
// handed on but addresses, and the files of the same gateway.
//
//	lab 1   gateway --.                         .--> orders-1 --.
//	        ends       >-- the same containers-<     ends        >-- the same containers
//	lab 2   gateway --'                         '--> orders-1 --'

// Sandboxes keeps the sandboxes that labs have left for the next ones. The zero value is ready for use. When no lab is left,
// Close or HandOver must be called.
type Sandboxes struct {
	// Adopt takes those that other processes have handed over.
	Adopt bool

	mu   sync.Mutex
	idle []*sandbox
}

// sandbox is a project of its own, and an owner: who has it holds its lock.
type sandbox struct {
	*project
	me       owner
	kind     kind
	ours     images.Obtained // what runs in its pods; set by the lab that has it
	labs     int             // that had it
	arrivals int             // at its backends, over all labs

	mu       sync.Mutex
	services map[string]*service // pods and houses, by name
	broken   bool                // there may be something that is not among them
}

const (
	// mostArrivals is after how many arrivals a sandbox is given up. Each may leave a port of the gateway's pod behind that
	// cannot be used for a minute, of the 28,000 that the kernel has.
	mostArrivals = 8000
	// mostIdle is how many sandboxes are kept for those who come next.
	mostIdle = 16
	// mostServices is with how many containers a sandbox is given up: it has a house for each gateway that was ever there, and a
	// pod for each address that a backend ever had.
	mostServices = 24
	// clearTimeout bounds how long a sandbox may take to be cleared, so that there is time left to remove one that cannot be.
	clearTimeout = 10 * time.Second
)

// kind is what labs must have in common to have the same sandboxes: it decides on the names and ports of pods.
type kind struct {
	Backend string // the image's id
	Listen  int    // the gateway's port
	Doors   string // further names of the gateway, by which one in front of it knows it
	Front   bool
	Links   int
}

func (p Plan) kind(backend images.Obtained) kind {
	k := kind{Backend: backend.ID, Listen: p.Gateway.Listen, Links: len(p.Links)}
	if p.Front != nil {
		k.Front, k.Doors = true, strings.Join(p.Front.Doors(), " ")
	}
	return k
}

// shares reports whether the lab can have what others have had before it. What is done to networks and packets is done to what
// a lab has to itself.
func (p Plan) shares() bool {
	return p.Sandboxes != nil && !p.needs(fault.Firewall) && !p.needs(fault.Network)
}

// take returns a sandbox that nobody else has.
func (s *Sandboxes) take(ctx context.Context, p Plan, from imageSet) (*sandbox, error) {
	k := p.kind(from.backend)
	if found := s.find(k, p.inner().house(from.gateway)); found != nil {
		return found, nil
	}
	if s.Adopt {
		if found, err := adopt(ctx, k); found != nil || err != nil {
			return found, err
		}
	}
	p.Scenario = "several scenarios, one after another"
	own, err := newProject(ctx, p)
	if err != nil {
		return nil, err
	}
	me, err := register(ownersDir())
	if err != nil {
		return nil, errors.Join(err, own.engine.Close())
	}
	own.own[labelOwner] = me.id
	made := &sandbox{project: own, me: me, kind: k, services: map[string]*service{}}
	if err := made.openNetwork(ctx, anyAddresses, s.makeRoom); err != nil {
		_, removeErr := made.discard(ctx)
		return nil, errors.Join(err, removeErr)
	}
	return made, nil
}

// find finds one of the kind, if it can one that has the house already.
func (s *Sandboxes) find(k kind, house string) *sandbox {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.idle, func(b *sandbox) bool { return b.kind == k && b.services[house] != nil })
	if i < 0 {
		i = slices.IndexFunc(s.idle, func(b *sandbox) bool { return b.kind == k })
	}
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
	if spoilt != nil || b.broken || b.arrivals >= mostArrivals || len(b.services) > mostServices {
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

// makeRoom removes a sandbox that nobody has at this moment, and reports whether there was one: an engine has networks for some
// thirty. An error says that some of it is left, for the next sweep.
func (s *Sandboxes) makeRoom(ctx context.Context) (made bool, err error) {
	s.mu.Lock()
	var eldest *sandbox
	if len(s.idle) > 0 {
		eldest, s.idle = s.idle[0], s.idle[1:]
	}
	s.mu.Unlock()
	if eldest == nil && s.Adopt {
		if eldest, err = adoptAny(ctx, func(keptSandbox) bool { return true }); err != nil {
			return false, err
		}
	}
	if eldest == nil {
		return false, nil
	}
	_, err = eldest.discard(ctx)
	return true, err
}

// Close removes all that is kept, and reports what could not be.
func (s *Sandboxes) Close(ctx context.Context) error {
	return s.end(func(b *sandbox) error {
		_, err := b.discard(ctx)
		return err
	})
}

// HandOver leaves all that is kept to other processes that the parent of this one starts. What is left when the parent has
// ended is removed by the next sweep.
func (s *Sandboxes) HandOver() error { return s.end((*sandbox).handOver) }

func (s *Sandboxes) end(do func(*sandbox) error) error {
	s.mu.Lock()
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	var err error
	for some := range slices.Chunk(idle, 4) { // the engine has an end of time for each
		var steps []func() error
		for _, b := range some {
			steps = append(steps, func() error { return do(b) })
		}
		err = errors.Join(err, together(steps...))
	}
	return err
}

// discard removes the sandbox, whatever became of the run's own context. Its lock stays while there is something to be swept.
func (b *sandbox) discard(ctx context.Context) (stuck []string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), createTimeout)
	defer cancel()
	if stuck, err = b.remove(ctx); err == nil && len(stuck) == 0 {
		err = removeFile(lockPath(ownersDir(), b.me.id))
	}
	return stuck, errors.Join(err, b.me.lock.Close())
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
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.broken = true // a container that has its name may be there
		return nil, err
	}
	b.services[name] = started
	return started, nil
}

// spoil says that something may be there that nobody knows of.
func (b *sandbox) spoil() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = true
}

// clear ends what runs in the sandbox: backends, which live in pods, and then the others, so that the gateway is still there to be
// told that its connections have ended.
func (b *sandbox) clear(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, clearTimeout)
	defer cancel()
	var pods, houses []func() error
	for name, s := range b.services {
		clearing := about(name, func() error { return s.supervisor().Clear(ctx) })
		if s.spec.in == nil {
			pods = append(pods, clearing)
		} else {
			houses = append(houses, clearing)
		}
	}
	return errors.Join(together(pods...), together(houses...))
}
