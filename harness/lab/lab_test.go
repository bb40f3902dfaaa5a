package lab

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// late is a context whose deadline has passed and whose timer has not fired yet, as a dial can come to see it.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

func TestOver(t *testing.T) {
	t.Parallel()
	assert.False(t, over(t.Context()))
	soon, cancel := context.WithTimeout(t.Context(), time.Hour)
	assert.False(t, over(soon))
	cancel()
	assert.True(t, over(soon))
	assert.True(t, over(late{t.Context()}))
}

// The reason that is told is the last one that the gateway gave, not that the time was over in the middle of a question.
func TestAwaitTellsTheLastReasonOfTheGateway(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	asked := 0
	err := await(ctx, func(context.Context) error { return nil }, func(ctx context.Context) error {
		if asked++; asked == 1 {
			return errors.New("status 500")
		}
		deadline, _ := ctx.Deadline()
		time.Sleep(time.Until(deadline)) // what a dial does that is not answered
		return os.ErrDeadlineExceeded
	})
	assert.EqualError(t, err, "not ready: status 500 (context deadline exceeded)")
}
