package filelock

import (
	"context"
	"errors"
	"path/filepath"
)

// Room is for those who may be there together and those who want it to themselves. Who wants it alone closes the gate, and waits
// for the room to empty: others who come later wait at the gate, so that many who come and go keep nobody out for ever. Several
// who want it alone keep the gate closed together and have the room one after the other, so that it is emptied once for all of
// them. Two files in the folder are its locks.
type Room struct{ Dir string }

// Whoever keeps the gate closed has its lock shared, and who goes through has it exclusively for that moment.
func (r Room) gate() string   { return filepath.Join(r.Dir, "gate.lock") }
func (r Room) inside() string { return filepath.Join(r.Dir, "inside.lock") }

// Join waits for the gate and goes in beside others. Who is inside must leave before asking for it alone.
func (r Room) Join(ctx context.Context) (Release, error) {
	through, err := Exclusive(ctx, r.gate())
	if err != nil {
		return nil, err
	}
	leave, err := Shared(ctx, r.inside()) // nobody is alone in there, since the gate was open
	return leave, errors.Join(err, through())
}

// Alone waits until nobody is inside, and has the room alone.
func (r Room) Alone(ctx context.Context) (Release, error) {
	open, err := Shared(ctx, r.gate())
	if err != nil {
		return nil, err
	}
	leave, err := Exclusive(ctx, r.inside())
	if err != nil {
		return nil, errors.Join(err, open())
	}
	return func() error { return errors.Join(leave(), open()) }, nil
}
