package fault

import (
	"cmp"
	"context"
	"fmt"
)

// ReloadGateway tells the gateway the list of backends that it knows once more, so often, one after another: what
// operators' tools do at every change anywhere (catalogue E8, E9). A gateway should not drop anything over that. Nothing
// is left to be lifted.
type ReloadGateway struct {
	// Times is how often; zero means once.
	Times int
}

var _ Fault = ReloadGateway{}

func (f ReloadGateway) String() string {
	if f.times() == 1 {
		return "reload"
	}
	return fmt.Sprintf("%d reloads", f.times())
}

// Validate reports everything that is wrong with the fault.
func (f ReloadGateway) Validate() error {
	if f.Times < 0 {
		return fmt.Errorf("%s: want 1 or more", f)
	}
	return nil
}

// Acts on the gateway's process.
func (f ReloadGateway) Acts() Act { return Act{On: Gateway, Holds: "process", Needs: []Need{Reload}} }

// Inject reloads, and proves that the gateway has survived it.
func (f ReloadGateway) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.carryOut(ctx, deed{
		what: f.String(),
		do: func(ctx context.Context) error {
			for range f.times() {
				if err := at.Gateway.Reload(ctx); err != nil {
					return err
				}
			}
			return nil
		},
		prove: func(ctx context.Context) (string, error) {
			return "it was told, and accepts connections", opens(ctx, at.Gateway.Address())
		},
		lift: func(context.Context) error { return nil },
	})
}

func (f ReloadGateway) times() int { return cmp.Or(f.Times, 1) }
