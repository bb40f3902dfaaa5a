package harness

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/badgateway/badgateway/harness/filelock"
	"github.com/badgateway/badgateway/harness/lab"
)

// Runs of all suites, and of all processes of one user, are taken beside each other on one machine. Now and then that is too
// much for it, and a client falls behind: its run was not of the load that was asked for.

// machine is where runs are taken: beside others, or with the machine to oneself.
func machine() filelock.Room {
	return filelock.Room{Dir: filepath.Join(lab.MeetingPlace(), "measuring")}
}

// starts are those of labs: as many at a time as there are processors. Starting processes takes more of the machine than
// anything else in a run, and all runs that have waited for somebody who had it alone would start at once.
func starts() filelock.Slots {
	return filelock.Slots{Dir: filepath.Join(lab.MeetingPlace(), "starting"), Count: runtime.NumCPU()}
}

// punctually takes a run, and once more if its client fell behind, then with nothing beside it. This is no second chance for
// the gateway, since nobody looks at what came of the first one; and where the second one is late as well, it may be the
// gateway that takes the machine, so that one is kept, with its doubt.
func punctually(
	ctx context.Context, at filelock.Room, tell func(string), take func(earlier string) (late string, err error),
) error {
	late := ""
	err := within(ctx, at.Join, tell, func() (err error) {
		late, err = take("")
		return err
	})
	if err != nil || late == "" {
		return err
	}
	tell("again, as soon as nothing else is measured on this machine, since " + late)
	return within(ctx, at.Alone, tell, func() error {
		_, err := take(late)
		return err
	})
}

// within does something between coming in and leaving. Where there is no place to come into, as with a home that cannot be
// written, nobody can know of others, and nobody waits.
func within(ctx context.Context, enter func(context.Context) (filelock.Release, error), tell func(string), do func() error) (err error) {
	leave, err := enter(ctx)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			err = leave()
		}
		return errors.Join(context.Cause(ctx), err)
	case err != nil:
		tell(fmt.Sprintf("other runs on this machine are not waited for: %v", err))
		return do()
	}
	defer func() { err = errors.Join(err, leave()) }()
	return do()
}
