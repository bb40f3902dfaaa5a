package fault

import (
	"context"
	"fmt"

	"github.com/badgateway/badgateway/harness/record"
)

// What the faults that the lab carries out on a process have in common: a process that is killed, frozen or replaced.
// Nobody can count what they touch, so each proves itself by a connection of its own.

// onProcess is the act of a fault that ends the replica's process or puts it out of reach.
func onProcess(needs ...Need) Act {
	return Act{On: Replica, Holds: "process", Needs: needs, Alone: true}
}

// deed is what such a fault does at one site.
type deed struct {
	what string
	do   func(context.Context) error
	// prove says in words how it was proved that it was done, or that it was not.
	prove func(context.Context) (string, error)
	// lift ends it, and may be repeated.
	lift func(context.Context) error
	// undo takes the place of lift after only a part of it was done.
	undo func(context.Context) error
}

// carryOut does it and proves it, or undoes it.
func (s Site) carryOut(ctx context.Context, d deed) (Active, error) {
	done := carriedOut{site: s.Name, lift: d.lift}
	err := d.do(ctx)
	if err == nil {
		done.proof, err = d.prove(ctx)
	}
	if err == nil {
		return done, nil
	}
	if d.undo != nil {
		done.lift = d.undo
	}
	return undone(ctx, done, fmt.Errorf("%s: %s: %w", d.what, s.Name, err))
}

// carriedOut is a deed that was done.
type carriedOut struct {
	site, proof string
	lift        func(context.Context) error
}

func (c carriedOut) Lift(ctx context.Context) error { return c.lift(ctx) }

func (c carriedOut) Receipt(context.Context) (record.Receipt, error) {
	return record.Receipt{Replica: c.site, Probe: c.proof, Uncounted: true}, nil
}
