package fault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/toxiproxy"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/harness/wire"
)

// Site is what a fault can reach of one party. What it cannot reach there is nil.
type Site struct {
	// Name is the party's: the replica's, or "gateway" or "client". Receipts carry it.
	Name    string
	Replica topology.Replica
	Backend Script
	// Link is nil when the gateway reaches the backend directly.
	Link Toxics
	// Dial is the address at which the harness itself reaches the replica the way the gateway does, for probes.
	Dial string
	// Process runs the replica; Network is what it is on; Lives are its successors.
	Process Process
	Network Cable
	Lives   Lives
	Gateway GatewayProcess
	Client  ClientScript
}

// Script takes rules for a backend. Lift may be repeated, and of a rule that is not known: it will not be put in force.
type Script interface {
	Add(ctx context.Context, r backend.Rule) error
	Lift(ctx context.Context, id string) error
	Receipt(ctx context.Context, id string) (record.Receipt, error)
	// Await waits until that many requests have arrived, or the context ends.
	Await(ctx context.Context, arrivals int) error
}

// Toxics puts toxics on one link. Remove may be repeated.
type Toxics interface {
	Add(ctx context.Context, t toxiproxy.Toxic) error
	Remove(ctx context.Context, name string) error
	// Enable opens a link that Disable has closed: then its connections are closed and new ones are refused.
	Enable(ctx context.Context) error
	Disable(ctx context.Context) error
}

// Process is the process of a replica. The undoing ones may be repeated.
type Process interface {
	// Kill ends it without a warning (SIGKILL).
	Kill(ctx context.Context) error
	// Stop asks it to end (SIGTERM): it takes no more connections and finishes what is under way. What is not finished
	// after the grace is cut off, with a grace of zero at once.
	Stop(ctx context.Context, grace time.Duration) error
	// Start starts it again at the address it had, if it has ended, and returns when it answers.
	Start(ctx context.Context) error
	// Pause freezes it (SIGSTOP, or the engine's means): the kernel goes on accepting connections and data.
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
}

// Cable takes a replica from the network, addresses and all, and puts it back at the same address.
type Cable interface {
	Disconnect(ctx context.Context) error
	Connect(ctx context.Context) error
}

// Lives lets a replica have another life, at another address, which the gateway learns of when it is told who serves.
type Lives interface {
	// Succeed starts the next life of the replica and returns what can be reached of it when it answers. The one before
	// goes on.
	Succeed(ctx context.Context) (Site, error)
	// Retire ends every life but the last one, as Process.Stop does. It may be repeated.
	Retire(ctx context.Context, grace time.Duration) error
	// Supplant ends the life before the last one at once, and puts somebody else at its address, who answers every request
	// with 404 and marks it as touched by the injection. Unmask ends that, and may be repeated.
	Supplant(ctx context.Context, injection string) error
	Unmask(ctx context.Context) error
	// Misled is the receipt of the impostor, who has a name of its own.
	Misled(ctx context.Context, injection string) (record.Receipt, error)
}

// GatewayProcess is the gateway's process. It is told things the way its operators do, and what tells it returns when it
// has been told, which may be before it acts; one that is stopped learns of it when it starts. Several may tell it things
// at the same time: each says what is different, and nobody what the whole list is.
type GatewayProcess interface {
	// Address is where clients reach it, host and port.
	Address() string
	// Include tells it that a replica serves, at the address of the replica's current life.
	Include(ctx context.Context, r topology.Replica) error
	// Exclude tells it that a replica serves no longer.
	Exclude(ctx context.Context, r topology.Replica) error
	// Reload tells it the same list once more.
	Reload(ctx context.Context) error
	// Stop stops the gateway in order, as its operators do, and returns when it has ended.
	Stop(ctx context.Context) error
	// Start starts it again if it has ended, at the address it had if the plan asked for that, and returns when it is
	// ready.
	Start(ctx context.Context) error
}

// ClientScript takes rules for the client. Lift may be repeated.
type ClientScript interface {
	Add(r load.Rule) error
	Lift(id string)
	Receipt(id string) (record.Receipt, error)
}

// script puts a rule in force at a backend.
func (s Site) script(ctx context.Context, rule backend.Rule, as Order) (Active, error) {
	rule.ID, rule.Of = as.ID, as.Of
	in := scripted{script: s.Backend, id: as.ID}
	if err := s.Backend.Add(ctx, rule); err != nil {
		return undone(ctx, in, err) // it may have been put in force, and the answer lost
	}
	return in, nil
}

// scripted is a fault that a rule of the backend carries out.
type scripted struct {
	script Script
	id     string
}

func (s scripted) Lift(ctx context.Context) error { return s.script.Lift(ctx, s.id) }

func (s scripted) Receipt(ctx context.Context) (record.Receipt, error) {
	return s.script.Receipt(ctx, s.id)
}

const (
	// undoing bounds one attempt to undo something, also when the run was interrupted.
	undoing = 10 * time.Second
	// wellWithin is how soon a replica must answer before it is broken, undoneWithin how soon after it was put right: a
	// process may have to come up.
	wellWithin   = 2 * time.Second
	undoneWithin = 10 * time.Second
	// attempts is how often it is tried: what undoes may be repeated, and a call may get lost.
	attempts = 3
)

// undo undoes something, whatever became of the context.
func undo(ctx context.Context, step func(context.Context) error) error {
	var err error
	for range attempts {
		if err = once(ctx, step); err == nil {
			return nil
		}
	}
	return err
}

// undone undoes what was injected in part, and returns what Inject is to return.
func undone(ctx context.Context, injected Active, err error) (Active, error) {
	if left := undo(ctx, injected.Lift); left != nil {
		return injected, errors.Join(err, fmt.Errorf("it may still be in force: %w", left))
	}
	return nil, err
}

func once(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoing)
	defer cancel()
	return step(ctx)
}

// answers reports whether the replica answers, within a time, the way the gateway would ask it: not if a fault is in force
// there, or something else is wrong.
func (s Site) answers(ctx context.Context, within time.Duration) error {
	if s.Dial == "" {
		return nil // it is no replica
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var last error
	for {
		err := s.probe(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil && !timedOut(err) { // what fails because the time is over says nothing about why it did not work
			last = err
		}
		select {
		case <-time.After(20 * time.Millisecond): // polling: nobody announces that it is well
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", s.Name, last)
		}
	}
}

func (s Site) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	status, _, err := wire.AskAt(ctx, s.Dial, wire.ReadyPath)
	if err == nil && status != 200 {
		err = fmt.Errorf("its readiness check answers %d", status)
	}
	return err
}
