package fault

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/badgateway/badgateway/harness/record"
)

// StaleAddress replaces the replica, does not tell the gateway, and lets somebody else have the old address: a service that
// answers every request with 404 (catalogue B6, E6). To the gateway that is an answer like any other. Lifting the fault
// tells the gateway.
type StaleAddress struct{}

var _ Fault = StaleAddress{}

func (f StaleAddress) String() string { return "stale address" }

// Validate finds nothing wrong.
func (f StaleAddress) Validate() error { return nil }

// Acts on the process.
func (f StaleAddress) Acts() Act { return onProcess(FixedAddress, List) }

// Inject puts the impostor in place and proves that it answers.
func (f StaleAddress) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	var next Site
	lift := func(ctx context.Context) error {
		return errors.Join(at.Gateway.Include(ctx, at.Replica), at.Lives.Unmask(ctx))
	}
	active, err := at.carryOut(ctx, deed{
		what: f.String(),
		do: func(ctx context.Context) (err error) {
			if next, err = at.Lives.Succeed(ctx); err != nil {
				return err
			}
			return at.Lives.Supplant(ctx, as.ID)
		},
		prove: func(ctx context.Context) (string, error) {
			if err := next.answers(ctx, undoneWithin); err != nil {
				return "", err
			}
			words, err := prove(ctx, at.Dial, fmt.Sprintf("no impostor answers with %d", http.StatusNotFound),
				func(h heard) bool { return h.status == http.StatusNotFound })
			return "the next life answers; at the old address " + words, err
		},
		lift: lift,
		undo: func(ctx context.Context) error { return errors.Join(at.Lives.Retire(ctx, 0), lift(ctx)) },
	})
	if err != nil {
		return active, err
	}
	return staleAddress{Active: active, of: at.Lives, injection: as.ID}, nil
}

type staleAddress struct {
	Active
	of        Lives
	injection string
}

// Receipt counts the requests that the impostor answered.
func (s staleAddress) Receipt(ctx context.Context) (record.Receipt, error) {
	proved, err := s.Active.Receipt(ctx)
	if err != nil {
		return proved, err
	}
	receipt, err := s.of.Misled(ctx, s.injection)
	receipt.Probe = proved.Probe
	return receipt, err
}
