//go:build !linux

package load

import "context"

// eventLoop is what there is none of here: every connection waits by itself.
type eventLoop struct{}

type eventLoops struct{}

func (*line) eventLoops() (none eventLoops) { return none }

func (eventLoops) of(int) *eventLoop { return nil }

func (eventLoops) close() {}

func (*eventLoop) carry(context.Context, *user) fitness { return unfit }
