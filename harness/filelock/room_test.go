package filelock_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/badgateway/badgateway/harness/filelock"
)

// holderEnv has the test's own program hold the room whose folder it names, for as long as its input is open.
const holderEnv = "BADGATEWAY_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holderEnv); dir != "" {
		if _, err := (filelock.Room{Dir: dir}).Join(context.Background()); err != nil {
			os.Exit(1)
		}
		_, _ = os.Stdout.WriteString("in\n")
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0) // without letting go: that is the kernel's to do
	}
	goleak.VerifyTestMain(m)
}

func must(t *testing.T, err error) {
	t.Helper()
	require.NoError(t, err)
}

// Many are inside together, one alone, and never both; everybody gets in.
func TestAloneIsAlone(t *testing.T) {
	t.Parallel()
	room := filelock.Room{Dir: filepath.Join(t.TempDir(), "room")}
	var together, alone atomic.Int32
	var beside atomic.Bool
	t.Run("all", func(t *testing.T) {
		for n := range 12 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for range 20 {
					if n < 3 {
						leave, err := room.Alone(t.Context())
						must(t, err)
						assert.EqualValues(t, 1, alone.Add(1))
						assert.Zero(t, together.Load())
						alone.Add(-1)
						must(t, leave())
						continue
					}
					leave, err := room.Join(t.Context())
					must(t, err)
					if together.Add(1) > 1 {
						beside.Store(true)
					}
					assert.Zero(t, alone.Load())
					time.Sleep(time.Millisecond)
					together.Add(-1)
					must(t, leave())
				}
			})
		}
	})
	assert.True(t, beside.Load(), "those who may be together were")
}

// Who wants the room alone gets it once those have left who were inside, whoever has come since.
func TestWhoComesLaterWaitsAtTheGate(t *testing.T) {
	t.Parallel()
	room := filelock.Room{Dir: t.TempDir()}
	leave, err := room.Join(t.Context())
	must(t, err)
	alone := make(chan filelock.Release)
	go func() {
		mine, err := room.Alone(t.Context())
		assert.NoError(t, err)
		alone <- mine
	}()
	// The gate is closed when a shared lock on it can no longer be had.
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		through, err := filelock.Shared(ctx, filepath.Join(room.Dir, "gate.lock"))
		if err == nil {
			must(t, through())
		}
		return err != nil
	}, 10*time.Second, time.Millisecond)
	later := make(chan filelock.Release)
	go func() {
		mine, err := room.Join(t.Context())
		assert.NoError(t, err)
		later <- mine
	}()
	must(t, leave())
	mine := <-alone
	select {
	case <-later:
		t.Fatal("in beside one who has the room alone")
	case <-time.After(50 * time.Millisecond):
	}
	must(t, mine())
	must(t, (<-later)())
}

// Who no longer wants to wait does not, and keeps nobody out afterwards.
func TestCalledOff(t *testing.T) {
	t.Parallel()
	room := filelock.Room{Dir: t.TempDir()}
	leave, err := room.Join(t.Context())
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err = room.Alone(ctx)
	require.ErrorIs(t, err, context.Canceled)
	again, err := room.Join(t.Context())
	must(t, err)
	must(t, again())
	must(t, leave())
	alone, err := room.Alone(t.Context())
	must(t, err)
	must(t, alone())
}

// Other processes count as well, and are no longer inside when they end, however that was.
func TestOtherProcesses(t *testing.T) {
	t.Parallel()
	room := filelock.Room{Dir: t.TempDir()}
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), holderEnv+"="+room.Dir)
	_, err := other.StdinPipe() // closed by Wait
	must(t, err)
	out, err := other.StdoutPipe()
	must(t, err)
	must(t, other.Start())
	_, err = out.Read(make([]byte, 8))
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = room.Alone(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	must(t, other.Process.Kill())
	_ = other.Wait()
	alone, err := room.Alone(t.Context())
	must(t, err)
	must(t, alone())
}

func TestNoFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o644))
	_, err := filelock.Room{Dir: file}.Join(t.Context())
	assert.ErrorContains(t, err, "not a directory")
	_, err = filelock.Room{Dir: file}.Alone(t.Context())
	assert.ErrorContains(t, err, "not a directory")
}
