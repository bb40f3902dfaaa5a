package filelock_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
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

// awaitWaiting waits until so many wait for a lock of the room, by what the kernel says (/proc/locks, proc(5)).
func awaitWaiting(t *testing.T, room filelock.Room, lock string, want int) {
	t.Helper()
	info, err := os.Stat(filepath.Join(room.Dir, lock))
	must(t, err)
	inode := fmt.Sprintf(":%d ", info.Sys().(*syscall.Stat_t).Ino)
	for waiting, began := 0, time.Now(); waiting != want; time.Sleep(time.Millisecond) { // polling: it is not announced
		require.Less(t, time.Since(began), 10*time.Second, "%d wait for %s, want %d", waiting, lock, want)
		text, err := os.ReadFile("/proc/locks")
		must(t, err)
		waiting = 0
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "-> FLOCK") && strings.Contains(line, inode) {
				waiting++
			}
		}
	}
}

// Those who want the room alone get it one after the other, once those have left who were inside, and before all that have come
// since.
func TestWhoComesLaterWaitsAtTheGate(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/locks"); err != nil {
		t.Skip("this kernel does not say who waits for a lock")
	}
	room := filelock.Room{Dir: t.TempDir()}
	leave, err := room.Join(t.Context())
	must(t, err)
	comes := func(enter func(context.Context) (filelock.Release, error)) chan filelock.Release {
		in := make(chan filelock.Release, 1)
		go func() {
			mine, err := enter(t.Context())
			assert.NoError(t, err)
			in <- mine
		}()
		return in
	}
	first, second := comes(room.Alone), comes(room.Alone)
	awaitWaiting(t, room, "inside.lock", 2)
	later := comes(room.Join)
	awaitWaiting(t, room, "gate.lock", 1)
	must(t, leave())
	var alone filelock.Release
	for range 2 {
		select {
		case alone = <-first:
			first = nil
		case alone = <-second: // which of them is first is left to the kernel
			second = nil
		case <-later:
			t.Fatal("in before those who want the room alone")
		}
		select {
		case <-later:
			t.Fatal("in beside one who has the room alone")
		case <-time.After(50 * time.Millisecond):
		}
		must(t, alone())
	}
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

// No more than so many have a slot at a time, and everybody has a turn.
func TestSlots(t *testing.T) {
	t.Parallel()
	slots := filelock.Slots{Dir: filepath.Join(t.TempDir(), "slots"), Count: 3}
	var at atomic.Int32
	t.Run("all", func(t *testing.T) {
		for range 10 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for range 10 {
					leave, err := slots.Take(t.Context())
					must(t, err)
					assert.LessOrEqual(t, at.Add(1), int32(3))
					time.Sleep(time.Millisecond)
					at.Add(-1)
					must(t, leave())
				}
			})
		}
	})
}

// As many as there are slots have one at a time; who no longer waits for one leaves all of them to others.
func TestSlotCalledOff(t *testing.T) {
	t.Parallel()
	slots := filelock.Slots{Dir: t.TempDir(), Count: 2}
	first, err := slots.Take(t.Context())
	must(t, err)
	second, err := slots.Take(t.Context())
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err = slots.Take(ctx)
	require.ErrorIs(t, err, context.Canceled)
	must(t, second())
	again, err := slots.Take(t.Context())
	must(t, err)
	must(t, first())
	must(t, again())
}

func TestNoFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o644))
	_, err := filelock.Room{Dir: file}.Join(t.Context())
	assert.ErrorContains(t, err, "not a directory")
	_, err = filelock.Room{Dir: file}.Alone(t.Context())
	assert.ErrorContains(t, err, "not a directory")
	_, err = filelock.Slots{Dir: file, Count: 2}.Take(t.Context())
	assert.ErrorContains(t, err, "not a directory")
}
