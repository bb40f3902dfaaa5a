package churn

import (
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/topology"
)

// A replica is taken from the list and asked to stop while work of half a second is under way on it (catalogue E2). One that
// drains loses nothing, as long as its grace is longer than the longest request. One that exits at once, or too soon, loses
// what is under way, unless the gateway sends it again: these are GETs.
//
// The delay before it stops is a fifth of what the work takes: there is time for the gateway to take the list over, and what
// was sent before is still under way.
func TestRequestsUnderWayAtSIGTERM(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		grace   time.Duration
		profile harness.Profile
	}{
		"drains":      {grace: grace},
		"exits":       {grace: 0},
		"short-grace": {100 * time.Millisecond, harness.Nightly},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			leaves := fault.Window{
				From: betweenAnswers, For: 500 * time.Millisecond, On: orders.Replica(1),
				Inject: fault.ScaleDown{PreStop: 100 * time.Millisecond, Grace: c.grace},
			}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Load:     atWork(load.GET("/reports")),
				Faults:   fault.Schedule{leaves},
				Expect:   expect.All{expect.Failures(run).None()},
				Profile:  c.profile,
			})
		})
	}
}

// A replica is killed while work is under way on it, and comes back at its address half a second later (catalogue E3). A GET
// can be sent to the other replica. A POST cannot, as nobody knows how far its work had come: it must not be done twice.
// What its user gets should still be an answer.
func TestRequestsUnderWayAtSIGKILL(t *testing.T) {
	t.Parallel()
	for _, request := range []load.Request{load.GET("/reports"), load.POST("/orders")} {
		t.Run(request.Method, func(t *testing.T) {
			t.Parallel()
			orders := topology.Replicas("orders", 2)
			killed := fault.Window{From: betweenAnswers, For: 500 * time.Millisecond, On: orders.Replica(1), Inject: fault.Kill{}}
			promises := expect.All{expect.Failures(run).None()}
			if request.Method == "POST" {
				promises = append(promises, expect.AttemptsOver(1, run).None())
			}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Load:     atWork(request),
				Faults:   fault.Schedule{killed},
				Expect:   promises,
			})
		})
	}
}

// betweenAnswers is when something happens to requests atWork: they are answered half a second after multiples of a
// fifteenth of a second, so here as far from any answer as it gets.
const betweenAnswers = 733 * time.Millisecond
