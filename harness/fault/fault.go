// Package fault breaks things on purpose: one file for each fault, each with a receipt that proves what it touched.
// A fault is a value that says what is to happen; a Window says when and where; a Schedule is checked before anything
// starts, and run against the clock that load and backends share.
package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/toxiproxy"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// Fault is something that can be broken on one replica.
type Fault interface {
	// String names the fault and what was asked of it, e.g. "close-on-reuse by FIN".
	String() string
	// Validate reports everything that is wrong with the fault, joined.
	Validate() error
	// Inject breaks the site; id is the injection's. When it fails, nothing is left broken.
	Inject(ctx context.Context, id string, at Site) (Active, error)
}

// LinkFault is a fault that acts on the link, which must then lead through Toxiproxy.
type LinkFault interface {
	Fault
	ActsOnLink()
}

// Active is a fault in force on one replica.
type Active interface {
	// Lift ends the fault.
	Lift(ctx context.Context) error
	// Receipt says what the fault has done; it is asked for when the load is over.
	Receipt(ctx context.Context) (record.Receipt, error)
}

// Site is what a fault can reach of one replica.
type Site struct {
	Replica topology.Replica
	Backend backend.Remote
	// Link is nil when the gateway reaches the backend directly.
	Link *toxiproxy.Link
	// Dial is the address at which the harness itself can use the link, for probes; empty without a link.
	Dial string
}

// End is how a connection is ended, as the gateway sees it.
type End = backend.End

// The ends: an orderly one, and a reset.
const (
	FIN = backend.FIN
	RST = backend.RST
)

// Window says when a fault acts, on what, and which.
type Window struct {
	// From is when the fault is applied, since the load began. Zero applies it before the first request is sent.
	From time.Duration
	// For is how long it acts. Zero lets it act until the load has ended.
	For time.Duration
	// On is what it acts on.
	On topology.Target
	// Inject is the fault.
	Inject Fault
}

// ID names the window in the record, e.g. "close-on-reuse by FIN on orders-2 from 1s".
func (w Window) ID() string {
	id := w.Inject.String() + " on " + w.On.String()
	if w.From > 0 {
		id += " from " + w.From.String()
	}
	return id
}

// Before is the phase before the window: requests that were done when the fault was about to be applied.
func (w Window) Before() record.Phase { return record.Phase{Window: w.ID(), Part: record.Before} }

// During is the phase of the window: requests sent after the fault was applied and before it was about to be lifted.
func (w Window) During() record.Phase { return record.Phase{Window: w.ID(), Part: record.During} }

// After is the phase after the window, less the time in which the gateway may recover.
func (w Window) After(settle time.Duration) record.Phase {
	return record.Phase{Window: w.ID(), Part: record.After, Settle: settle}
}

// scripted is a fault that a rule of the backend carries out.
type scripted struct {
	backend backend.Remote
	id      string
}

func inject(ctx context.Context, at Site, rule backend.Rule) (Active, error) {
	if err := at.Backend.Add(ctx, rule); err != nil {
		return nil, err
	}
	return scripted{backend: at.Backend, id: rule.ID}, nil
}

// validateEnded checks a rule that has to end connections.
func validateEnded(r backend.Rule) error {
	if r.End != FIN && r.End != RST {
		return fmt.Errorf("%s: want FIN or RST", r.ID)
	}
	return r.Validate()
}

func (s scripted) Lift(ctx context.Context) error { return s.backend.Lift(ctx, s.id) }

func (s scripted) Receipt(ctx context.Context) (record.Receipt, error) {
	return s.backend.Receipt(ctx, s.id)
}
