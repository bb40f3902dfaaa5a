package fault

import (
	"context"

	"github.com/badgateway/badgateway/harness/load"
)

// HalfClose is a client that closes its sending side behind the request and waits for the answer, as it may (RFC 9112,
// section 9.6; catalogue H7). Some gateways take that for a client that has gone: what becomes of the request is theirs to
// say, and is recorded as it is.
type HalfClose struct{}

var _ Fault = HalfClose{}

func (f HalfClose) String() string { return "half-close" }

// Validate finds nothing wrong.
func (f HalfClose) Validate() error { return nil }

// Acts on requests of the client.
func (f HalfClose) Acts() Act { return onClient }

// Inject puts the rule in force.
func (f HalfClose) Inject(_ context.Context, at Site, as Order) (Active, error) {
	return at.scriptClient(load.Rule{Do: load.HalfClose}, as)
}
