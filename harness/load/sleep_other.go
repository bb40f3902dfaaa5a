//go:build !linux

package load

import "time"

// fineTimer is what there is none of here.
type fineTimer struct{}

func newFineTimer() *fineTimer { return nil }

func (*fineTimer) wait(time.Duration) error { return nil }

func (*fineTimer) close() {}
