package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// host finds places for lives.
type host interface {
	// settle starts a process at a new place, whose name there is not always its identity in answers.
	settle(ctx context.Context, name string, r topology.Replica) (place, error)
	// usurp finds a process, which answers by its own name, that takes over the address of a place once nobody lives there.
	usurp(ctx context.Context, name string, at place, rules []backend.Rule) (by place, takeOver func(context.Context) error, err error)
	Gateway() fault.GatewayProcess
}

// replica is one replica in all its lives:
//
//	         Kill, Stop                     Retire                       Supplant
//	life 1 -------------> .       life 1 ----------> .         life 1 ------------> impostor
//	  the same address    |             \                            \              |  Unmask
//	life 2 <--------------'              `-> life 2                    `-> life 2   '-------> .
//	            Start             Succeed      at another address  Succeed
//
// What faults ask of it is done to the last one.
type replica struct {
	topology.Replica
	host host
	lab  record.Clock

	doing sync.Mutex // held while something is done to it: one thing at a time
	begun int        // lives, also those that failed to begin
	spare *life      // begun beforehand, and not yet the last one

	mu        sync.Mutex
	lives     []*life
	impostors map[string]*life
}

// birth gives the replica its first life.
func (r *replica) birth(ctx context.Context) error {
	r.doing.Lock()
	defer r.doing.Unlock()
	l, err := r.settle(ctx)
	if err == nil {
		r.add(l)
	}
	return err
}

// prepare begins the life that Succeed will want, so that it does not take a second or more while a load runs.
func (r *replica) prepare(ctx context.Context) (err error) {
	r.doing.Lock()
	defer r.doing.Unlock()
	r.spare, err = r.settle(ctx)
	return err
}

// settle begins a life at a new place. One that does not begin is not a life, and what there is of it goes with the lab.
func (r *replica) settle(ctx context.Context) (*life, error) {
	r.begun++
	name := r.String()
	if r.begun > 1 {
		name = fmt.Sprintf("%s-%d", r, r.begun)
	}
	at, err := r.host.settle(ctx, name, r.Replica)
	if err != nil {
		return nil, err
	}
	return r.begin(ctx, at)
}

// begin waits until the process at a place answers.
func (r *replica) begin(ctx context.Context, at place) (*life, error) {
	l := newLife(at, r.begun, r.lab)
	if err := l.begin(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// add makes it the last life.
func (r *replica) add(l *life) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lives = append(r.lives, l)
}

func (r *replica) current() *life {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lives[len(r.lives)-1]
}

func (r *replica) upstream() gateways.Upstream { return r.current().at.upstream() }

// site is what can be reached of the replica in its current life.
func (r *replica) site() fault.Site {
	l := r.current()
	return fault.Site{
		Name: r.String(), Replica: r.Replica, Backend: l, Link: l.at.link(), Dial: l.at.dial(),
		Process: r, Network: l.at.cable(), Lives: r, Gateway: r.host.Gateway(),
	}
}

func (r *replica) Kill(ctx context.Context) error { return r.Stop(ctx, 0) }

func (r *replica) Stop(ctx context.Context, grace time.Duration) error {
	r.doing.Lock()
	defer r.doing.Unlock()
	return r.current().end(ctx, grace)
}

func (r *replica) Start(ctx context.Context) error {
	r.doing.Lock()
	defer r.doing.Unlock()
	last := r.current()
	if !last.ended() {
		return nil
	}
	if err := last.keep(ctx); err != nil {
		return err
	}
	if err := last.at.start(ctx); err != nil {
		return err
	}
	r.begun++
	next, err := r.begin(ctx, last.at)
	if err == nil {
		r.add(next)
	}
	return err
}

func (r *replica) Pause(ctx context.Context) error {
	r.doing.Lock()
	defer r.doing.Unlock()
	return r.current().at.pause(ctx)
}

func (r *replica) Resume(ctx context.Context) error {
	r.doing.Lock()
	defer r.doing.Unlock()
	return r.current().at.resume(ctx)
}

func (r *replica) Succeed(ctx context.Context) (fault.Site, error) {
	r.doing.Lock()
	defer r.doing.Unlock()
	next := r.spare
	if next == nil {
		var err error
		if next, err = r.settle(ctx); err != nil {
			return fault.Site{}, err
		}
	}
	r.spare = nil
	r.add(next)
	return r.site(), nil
}

func (r *replica) Retire(ctx context.Context, grace time.Duration) error {
	r.doing.Lock()
	defer r.doing.Unlock()
	for _, l := range r.outdated() {
		if err := l.end(ctx, grace); err != nil {
			return err
		}
	}
	return nil
}

// outdated lists the lives that go on at another place than the last one's.
func (r *replica) outdated() []*life {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.lives[len(r.lives)-1]
	return slices.DeleteFunc(slices.Clone(r.lives), func(l *life) bool { return l.at == last.at || l.ended() })
}

func (r *replica) Supplant(ctx context.Context, injection string) error {
	r.doing.Lock()
	defer r.doing.Unlock()
	before := r.outdated()
	if len(before) != 1 {
		return fmt.Errorf("%s: %d lives go on beside the last one, want 1", r, len(before))
	}
	old := before[0]
	wrong := backend.Answer{Status: http.StatusNotFound}
	rules := []backend.Rule{
		{ID: injection, On: backend.OnRequest, Answer: wrong},
		{ID: injection + ", when asked whether it is ready", On: backend.OnReady, Answer: wrong},
	}
	by, takeOver, err := r.host.usurp(ctx, r.String()+"-impostor", old.at, rules)
	if err != nil {
		return err
	}
	r.mu.Lock()
	l := newLife(by, len(r.impostors)+1, r.lab)
	l.rules[injection] = true
	r.impostors[injection] = l
	r.mu.Unlock()
	if err := old.end(ctx, 0); err != nil {
		return err
	}
	if err := takeOver(ctx); err != nil {
		return err
	}
	return l.begin(ctx)
}

func (r *replica) Unmask(ctx context.Context) error {
	r.doing.Lock()
	defer r.doing.Unlock()
	var errs []error
	for _, l := range r.allImpostors() {
		errs = append(errs, l.end(ctx, 0))
	}
	return errors.Join(errs...)
}

func (r *replica) Misled(ctx context.Context, injection string) (record.Receipt, error) {
	r.mu.Lock()
	l := r.impostors[injection]
	r.mu.Unlock()
	if l == nil {
		return record.Receipt{}, fmt.Errorf("%s: nobody has had its place for %s", r, injection)
	}
	return l.receipt(ctx, injection)
}

func (r *replica) allImpostors() []*life {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Values(r.impostors), func(a, b *life) int { return a.number - b.number })
}

// arrivals reads the journals of all lives, and of impostors, on the run's clock, and tells how far off they can be.
func (r *replica) arrivals(ctx context.Context, run record.Clock) (all []record.Arrival, uncertainty time.Duration, err error) {
	r.doing.Lock()
	defer r.doing.Unlock()
	r.mu.Lock()
	lives := slices.Clone(r.lives)
	r.mu.Unlock()
	for _, l := range append(lives, r.allImpostors()...) {
		arrivals, u, err := l.arrivals(ctx, run)
		if err != nil {
			return nil, 0, err
		}
		all, uncertainty = append(all, arrivals...), max(uncertainty, u)
	}
	return all, uncertainty, nil
}

// arrivals reads the journals of all replicas, one beside the other.
func arrivals(ctx context.Context, of []*replica, run record.Clock) ([]record.Arrival, time.Duration, error) {
	journals := make([][]record.Arrival, len(of))
	uncertainties := make([]time.Duration, len(of))
	var steps []func() error
	for i, r := range of {
		steps = append(steps, about("backend "+r.String(), func() (err error) {
			journals[i], uncertainties[i], err = r.arrivals(ctx, run)
			return err
		}))
	}
	if err := together(steps...); err != nil {
		return nil, 0, err
	}
	return slices.Concat(journals...), slices.Max(uncertainties), nil
}

// parted waits until the gateway has ended the connections on which it brought readiness checks. The backend closes them with the
// answer and says so, but a gateway that does not heed this would keep one for the first request of the run until it sees the end.
func parted(ctx context.Context, of []*replica) error {
	var steps []func() error
	for _, r := range of {
		steps = append(steps, func() error { return r.current().remote().Parted(ctx) })
	}
	return together(steps...)
}

// find finds a replica among others; nil if it is none of them.
func find(among []*replica, r topology.Replica) *replica {
	for _, known := range among {
		if known.Replica == r {
			return known
		}
	}
	return nil
}

func newReplica(r topology.Replica, in host, lab record.Clock) *replica {
	return &replica{Replica: r, host: in, lab: lab, impostors: map[string]*life{}}
}
