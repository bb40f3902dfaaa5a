// Package fault breaks things on purpose: one file for each fault, each with a receipt that proves what it touched.
// A fault is a value that says what is to happen; a Window says when, where and to whom; a Schedule is checked before
// anything starts, can be printed without running, and is run against the clock that load and backends share.
package fault

import (
	"context"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/victim"
)

// Fault is something that can be broken at one site.
type Fault interface {
	// String names the fault and what was asked of it, e.g. "close-on-reuse by FIN".
	String() string
	// Validate reports everything that is wrong with the fault, joined.
	Validate() error
	// Acts says what the fault takes hold of, and what it needs.
	Acts() Act
	// Inject breaks the site. When it fails, nothing is left broken; if that cannot be made sure of, what can undo it is
	// returned beside the error.
	Inject(ctx context.Context, at Site, as Order) (Active, error)
}

// Order says as what a fault is injected.
type Order struct {
	// ID is the injection's.
	ID string
	// Of says which of what meets the fault are touched.
	Of Victims
}

// Active is a fault in force at one site.
type Active interface {
	// Lift ends the fault. It may be repeated when it fails.
	Lift(ctx context.Context) error
	// Receipt says what the fault has done; it is asked for when the load is over.
	Receipt(ctx context.Context) (record.Receipt, error)
}

// Act says what a fault takes hold of.
type Act struct {
	// On is the party that it acts on: what a window's target must be.
	On Party
	// Holds names what is taken hold of. Two faults that hold the same thing of one party at one time contradict each
	// other, unless each leaves something to the other.
	Holds string
	// Chooses lists the units in which victims can be chosen; none if the fault touches whatever is there.
	Chooses []victim.Unit
	// Needs lists what is needed of the lab.
	Needs []Need
	// Direct says that the fault is what it says only where the gateway reaches the replica directly. Toxiproxy ends TCP on
	// both sides: of a reset it makes a FIN, of a refusal a connection that is accepted and closed, of a half-close a whole
	// one, and packets do not pass it at all.
	Direct bool
	// Alone says that nothing else can act on the party at the same time, nor right before or after: its process ends, and
	// every script with it, or cannot be reached to be given one or relieved of it.
	Alone bool
}

// Party is who a fault acts on.
type Party string

// The parties.
const (
	Replica Party = "a replica"
	Gateway Party = "the gateway"
	Client  Party = "the client"
)

// Need is something that not every lab can do, or does only if it is asked to.
type Need string

// The needs.
const (
	// Link is a link that leads through Toxiproxy.
	Link Need = "link"
	// Firewall is a firewall in the replica's own network namespace.
	Firewall Need = "firewall"
	// Network is a network from which the replica can be taken.
	Network Need = "network"
	// FixedAddress is an address that stays when what is behind it ends and starts again.
	FixedAddress Need = "fixed address"
	// Reload is a gateway that takes its config over while it runs; List is one that can be told of other backends by that.
	Reload Need = "reload"
	List   Need = "backend list"
)

// Victims says which of the requests or connections that meet a fault are touched by it. The zero value takes all.
type Victims = victim.Choice

// All takes everything that meets the fault; it is where a choice by method or path begins: All().OfMethod("POST").
func All() Victims { return Victims{} }

// NthRequest takes the nth request that meets the fault, counted from 1 on each replica.
func NthRequest(n int) Victims { return Victims{Way: victim.NthRequest, N: n} }

// EveryRequest takes every nth request, counted on each replica.
func EveryRequest(n int) Victims { return Victims{Way: victim.EveryRequest, N: n} }

// OfRequests takes a share of the requests, more than 0 and at most 1, drawn from the seed. A second attempt of a request
// is drawn again.
func OfRequests(share float64) Victims { return Victims{Way: victim.ShareOfRequests, Share: share} }

// FirstAttempts takes the first n attempts of each request, counted on each replica; the next one succeeds.
func FirstAttempts(n int) Victims { return Victims{Way: victim.FirstAttempts, N: n} }

// NthConnection takes the nth connection that meets the fault, and all that happens on it.
func NthConnection(n int) Victims { return Victims{Way: victim.NthConnection, N: n} }

// EveryConnection takes every nth connection, and all that happens on it.
func EveryConnection(n int) Victims { return Victims{Way: victim.EveryConnection, N: n} }

// OfConnections takes a share of the connections, more than 0 and at most 1, drawn from the seed.
func OfConnections(share float64) Victims { return Victims{Way: victim.ShareConnections, Share: share} }

// End is how a connection is ended, as the gateway sees it.
type End = backend.End

// The ends: an orderly one, and a reset.
const (
	FIN = backend.FIN
	RST = backend.RST
)

// endName names an end in the words of a fault.
func endName(e End) string {
	switch e {
	case FIN:
		return "FIN"
	case RST:
		return "RST"
	}
	return "no known end"
}
