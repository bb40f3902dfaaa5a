package harness_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/filelock"
)

func quietly(string) {}

// A run whose client fell behind is taken once more and no more, and told why; one that broke is not taken again.
func TestRetake(t *testing.T) {
	t.Parallel()
	broken := errors.New("no engine")
	type outcome struct {
		late string
		err  error
	}
	for name, c := range map[string]struct {
		outcomes []outcome
		told     []string
	}{
		"punctual":       {[]outcome{{}}, []string{""}},
		"late once":      {[]outcome{{late: "a stall"}, {}}, []string{"", "a stall"}},
		"late twice":     {[]outcome{{late: "a stall"}, {late: "another"}}, []string{"", "a stall"}},
		"broken":         {[]outcome{{err: broken}}, []string{""}},
		"late and broke": {[]outcome{{late: "a stall"}, {err: broken}}, []string{"", "a stall"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told []string
			err := harness.Punctually(t.Context(), filelock.Room{Dir: t.TempDir()}, quietly, func(earlier string) (string, error) {
				now := c.outcomes[len(told)]
				told = append(told, earlier)
				return now.late, now.err
			})
			assert.Equal(t, c.told, told)
			assert.ErrorIs(t, err, c.outcomes[len(c.outcomes)-1].err)
		})
	}
}

// The second run has the machine to itself: it begins when the others have ended, and those that come meanwhile wait.
func TestRetakeIsAlone(t *testing.T) {
	t.Parallel()
	at := filelock.Room{Dir: t.TempDir()}
	var (
		mu     sync.Mutex
		events []string
		all    sync.WaitGroup
	)
	happens := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, what)
	}
	otherRuns, lateRuns, comes := make(chan struct{}), make(chan struct{}), make(chan struct{})
	all.Go(func() {
		assert.NoError(t, harness.Punctually(t.Context(), at, quietly, func(string) (string, error) {
			close(otherRuns)
			<-comes
			happens("the other one ends")
			return "", nil
		}))
	})
	all.Go(func() {
		<-otherRuns
		waits := func(what string) {
			assert.True(t, strings.HasPrefix(what, "again, as soon as nothing else is measured"), what)
			close(lateRuns)
		}
		assert.NoError(t, harness.Punctually(t.Context(), at, waits, func(earlier string) (string, error) {
			if earlier == "" {
				return "a stall", nil
			}
			happens("the second run")
			return "", nil
		}))
	})
	all.Go(func() {
		<-lateRuns
		close(comes)
	})
	all.Wait()
	assert.Equal(t, []string{"the other one ends", "the second run"}, events)
}

// Nobody who has given up takes a run, and where there is no place to meet a run is taken all the same.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	taken := 0
	take := func(string) (string, error) { taken++; return "", nil }
	require.ErrorIs(t, harness.Punctually(gone, filelock.Room{Dir: t.TempDir()}, quietly, take), context.Canceled)
	assert.Zero(t, taken)
	var told []string
	nowhere := filelock.Room{Dir: filepath.Join("/dev/null", "room")}
	require.NoError(t, harness.Punctually(t.Context(), nowhere, func(what string) { told = append(told, what) }, take))
	assert.Equal(t, 1, taken)
	assert.Equal(t, []string{"other runs on this machine are not waited for: mkdir /dev/null: not a directory"}, told)
}
