package lab

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/reverseproxy"
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

// slowToPart is a gateway's transport that ends a connection some time after it has had the answer, though it was told to.
type slowToPart struct{ parted *atomic.Int32 }

func (s slowToPart) RoundTrip(r *http.Request) (*http.Response, error) {
	conn, err := net.Dial("tcp", r.URL.Host)
	if err != nil {
		return nil, err
	}
	time.AfterFunc(200*time.Millisecond, func() {
		s.parted.Add(1)
		_ = conn.Close()
	})
	if err := r.Write(conn); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(conn), r)
}

// A run begins without connections of the readiness check, also on a gateway that does not heed "Connection: close".
func TestStartWaitsForTheEndOfReadinessChecks(t *testing.T) {
	t.Parallel()
	var parted atomic.Int32
	p := planOf(available(t, "stdlib"), t.TempDir())
	p.Links = nil // a Toxiproxy ends both sides by itself
	p.Wrap = reverseproxy.Wrap{Transport: func(http.RoundTripper) http.RoundTripper { return slowToPart{&parted} }}
	l, err := Start(t.Context(), p)
	require.NoError(t, err)
	assert.Positive(t, parted.Load())
	require.NoError(t, l.Stop(t.Context()))
}
