package fault

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// Two things that are done at the same time are slow once, and what is being done counts already.
func TestSlownessIsBookedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Run{clock: record.StartClock()}
		orders := topology.Replicas("orders", 1)
		kill := &window{Window: Window{On: orders.Each(), Inject: Kill{}}}
		time.Sleep(time.Minute)
		assert.Zero(t, r.Slow())
		one := r.slowly(kill)
		time.Sleep(time.Second)
		assert.Equal(t, time.Second, r.Slow())
		other := r.slowly(kill)
		time.Sleep(time.Second)
		one()
		time.Sleep(time.Second)
		other()
		time.Sleep(time.Second)
		assert.Equal(t, 3*time.Second, r.Slow())

		rule := r.slowly(&window{Window: Window{On: orders.Each(), Inject: ErrorStatus{Status: 503}}})
		time.Sleep(time.Second)
		rule()
		assert.Equal(t, 3*time.Second, r.Slow(), "a rule is put in force in no time")
	})
}
