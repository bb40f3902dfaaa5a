package fault

import "context"

// Life is a lifecycle for tests from outside.
type Life struct{ *lifecycle }

// NewLife begins one.
func NewLife(f Fault, at Site, as Order) Life { return Life{newLifecycle(f, at, as)} }

// Step takes one step by its name, and says in which state the fault is then.
func (l Life) Step(ctx context.Context, name string) (string, error) {
	var err error
	switch name {
	case "inject":
		err = l.inject(ctx)
	case "lift":
		err = l.lift(ctx)
	case "receipt":
		_, err = l.receipt(ctx)
	}
	return string(l.state), err
}
