package filelock

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// Slots lets a few do at a time what many want to do. They have their turns in the order in which the kernel lets them, and none
// is passed over for ever. Files in the folder are its locks.
type Slots struct {
	Dir string
	// Count is how many at a time.
	Count int
}

// Take waits for one of the slots.
func (s Slots) Take(ctx context.Context) (Release, error) {
	next, err := Exclusive(ctx, filepath.Join(s.Dir, "next.lock"))
	if err != nil {
		return nil, err
	}
	slot, err := s.any(ctx)
	return slot, errors.Join(err, next())
}

// any waits for the first slot that is free. It is the only one that waits for slots.
func (s Slots) any(ctx context.Context) (Release, error) {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	type taken struct {
		release Release
		err     error
	}
	came := make(chan taken)
	for n := range s.Count {
		go func() {
			release, err := Exclusive(waiting, filepath.Join(s.Dir, fmt.Sprintf("slot-%d.lock", n)))
			came <- taken{release, err}
		}()
	}
	var mine Release
	var problems []error
	for range s.Count {
		switch slot := <-came; {
		case slot.err != nil:
			problems = append(problems, slot.err)
		case mine == nil:
			mine = slot.release
			stop()
		default:
			problems = append(problems, slot.release())
		}
	}
	if mine == nil {
		return nil, errors.Join(problems...)
	}
	return mine, nil
}
