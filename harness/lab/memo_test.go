package lab

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMemoFindsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m memo[int]
		found := 0
		var asking sync.WaitGroup
		for range 5 {
			asking.Go(func() {
				v, err := m.get(t.Context(), "answer", func() (int, error) {
					time.Sleep(time.Second)
					found++
					return 42, nil
				})
				assert.NoError(t, err)
				assert.Equal(t, 42, v)
			})
		}
		asking.Wait()
		assert.Equal(t, 1, found)
	})
}

func TestMemoForgetsFailures(t *testing.T) {
	var m memo[int]
	_, err := m.get(t.Context(), "answer", func() (int, error) { return 0, errors.New("not today") })
	require.EqualError(t, err, "not today")
	v, err := m.get(t.Context(), "answer", func() (int, error) { return 42, nil })
	require.NoError(t, err)
	assert.Equal(t, 42, v)
}

func TestMemoWaitsNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m memo[int]
		var asking sync.WaitGroup
		asking.Go(func() {
			_, _ = m.get(t.Context(), "answer", func() (int, error) { time.Sleep(time.Minute); return 42, nil })
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := m.get(ctx, "answer", nil)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		asking.Wait()
	})
}
