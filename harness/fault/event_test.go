package fault

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// counter is a backend at which a request arrives every second, from the first second of the run on.
type counter struct {
	Script
	clock record.Clock
}

func (c counter) Await(ctx context.Context, arrivals int) error {
	return pass(ctx, time.Duration(arrivals)*time.Second-c.clock.Now())
}

// Windows that wait for events begin and end with them, whatever the time; those whose event never comes stay unapplied,
// and those whose end never comes end with the load. The load begins at 1 s, lasts 4 s, and sends a request every 500 ms.
func TestEvents(t *testing.T) {
	const never = -1
	for name, test := range map[string]struct {
		window          Window
		applied, lifted time.Duration
	}{
		"at a request":            {Window{When: Sent(3)}, at(2), at(5)},
		"some time after":         {Window{When: Sent(3), From: time.Second}, at(3), at(5)},
		"for a time":              {Window{When: Sent(3), For: time.Second}, at(2), at(3)},
		"from request to request": {Window{When: Sent(2), Until: Sent(5)}, at(1.5), at(3)},
		"until a request":         {Window{Until: Sent(4)}, 0, at(2.5)},
		"at an arrival":           {Window{When: Arrived(2, orders.Replica(1))}, at(2), at(5)},
		"until an arrival":        {Window{From: time.Second, Until: Arrived(4, orders.Replica(1))}, at(2), at(4)},
		"never":                   {Window{When: Sent(100)}, never, 0},
		"no such arrival":         {Window{When: Arrived(100, orders.Replica(1))}, never, 0},
		"without an end":          {Window{When: Sent(1), Until: Sent(100)}, at(1), at(5)},
		"too late":                {Window{When: Sent(8), From: 3 * time.Second}, never, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := record.StartClock()
				test.window.On, test.window.Inject = orders.Replica(1), stub{name: "cut", ledger: &ledger{}}
				field := Field{Site: func(r topology.Replica) Site {
					return Site{Name: r.String(), Replica: r, Backend: counter{clock: clock}}
				}}
				run, err := Schedule{test.window}.Apply(t.Context(), clock, field, 0)
				require.NoError(t, err)
				time.Sleep(time.Second - clock.Now())
				run.Begin(t.Context(), time.Second)
				for n := range 8 {
					run.Sent(n + 1)
					time.Sleep(500 * time.Millisecond)
				}
				injections, err := run.End(t.Context())
				require.NoError(t, err)
				got := injections[0]
				if test.applied == never {
					assert.Zero(t, got.Applied)
					assert.Empty(t, got.Receipts)
					return
				}
				assert.Equal(t, test.applied, got.Applied.Begin)
				assert.Equal(t, test.lifted, got.Lifted.Begin)
			})
		})
	}
}
