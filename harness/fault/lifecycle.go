package fault

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/badgateway/badgateway/harness/record"
)

// lifecycle takes one fault at one site through its life, and refuses what is out of turn:
//
//	waiting ---inject---> active ---lift---> lifted
//	   |                   |  ^
//	   | fails, undone     |  | fails: may be tried again
//	   v                   +--+
//	failed
//
// A fault that failed to be injected has left nothing broken; if that is not sure, it counts as active. So does one whose
// lift failed, and says so.
type lifecycle struct {
	fault Fault
	site  Site
	order Order

	mu     sync.Mutex
	state  state
	active Active
}

type state string

const (
	waiting state = "waiting"
	active  state = "active"
	lifted  state = "lifted"
	failed  state = "failed"
)

func newLifecycle(f Fault, at Site, as Order) *lifecycle {
	return &lifecycle{fault: f, site: at, order: as, state: waiting}
}

// inject puts the fault in force.
func (l *lifecycle) inject(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != waiting {
		return l.refuse("inject")
	}
	injected, err := l.fault.Inject(ctx, l.site, l.order)
	if injected == nil {
		l.state = failed
		return err
	}
	l.state, l.active = active, injected // with an error too, if it may be in force
	return err
}

// lift ends the fault, and is nothing if there is none. It tries more than once, whatever became of the context.
func (l *lifecycle) lift(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != active {
		return nil
	}
	if err := undo(ctx, l.active.Lift); err != nil {
		return fmt.Errorf("it may still be in force: %w", err)
	}
	l.state = lifted
	return nil
}

// receipt asks what the fault has done.
func (l *lifecycle) receipt(ctx context.Context) (record.Receipt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.active == nil {
		return record.Receipt{}, l.refuse("receipt")
	}
	return l.active.Receipt(ctx)
}

// inForce reports whether the fault may be in force.
func (l *lifecycle) inForce() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state == active
}

// injected reports whether the fault was ever in force.
func (l *lifecycle) injected() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.active != nil
}

func (l *lifecycle) refuse(what string) error {
	return errors.New(what + " is out of turn: the fault is " + string(l.state))
}
