package harness_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// The whole way of a scenario with a gateway in front, through two embedded ones: each keeps to its own policy, and what
// either says of a request is in the facts.
func TestFront(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	slow := fault.Window{On: orders.Each(), Inject: fault.DelayResponse{For: 300 * time.Millisecond}}
	s := harness.Scenario{
		Backends: orders,
		Front:    &topology.Front{Policy: topology.Policy{ResponseTimeout: 50 * time.Millisecond}},
		Policy:   topology.Policy{ResponseTimeout: 10 * time.Second},
		Load:     load.Constant{Rate: 100, For: 400 * time.Millisecond, Request: load.GET("/orders")},
		Faults:   fault.Schedule{slow},
		Expect:   expect.All{expect.BookedOtherwiseInFront(slow.During()).None(), expect.Failures(slow.During()).None()},
	}
	c := harness.Case{Name: "timeouts/TestHierarchy", Scenario: s, Gateway: stdlib(t), Seed: 1, ScheduleSeed: 1, Dir: t.TempDir()}
	result, err := c.Execute(t.Context())
	require.NoError(t, err)
	require.Len(t, result.Verdicts, 2)
	assert.Equal(t, expect.Pass, result.Verdicts[0].Ruling, result.Verdicts[0])
	assert.Equal(t, expect.Fail, result.Verdicts[1].Ruling, "the front waits for less than the backend takes")
	assert.Equal(t, map[string]int{"502 booked as 502 in front and 502 behind": 40}, result.Summary.Booked)
	assert.Equal(t, "response timeout 50ms", result.Case.Front)
	assert.Equal(t, "response timeout 10s", result.Case.Policy)

	var names []string
	for _, file := range result.Config {
		names = append(names, file.Name)
	}
	assert.Equal(t, []string{"stdlib.json", "in front: stdlib.json"}, names)
	assert.Contains(t, result.Config[0].Text, `"response_header_timeout": "10s"`)
	assert.Contains(t, result.Config[1].Text, `"response_header_timeout": "50ms"`)
	require.Len(t, result.Log, 2, "a line of each gateway about the witness")
	assert.Regexp(t, `^in front: .* GET /orders 502 id=`, result.Log[1])

	facts, err := record.Load(c.Dir)
	require.NoError(t, err)
	for _, r := range facts.Requests {
		assert.EqualValues(t, 502, r.BookedInFront, "%+v", r)
		assert.EqualValues(t, 502, r.Booked, "what ReverseProxy makes of a client that has gone: %+v", r)
	}
}

// A change in an arm of an experiment is none of the other's.
func TestFrontOfAnArmIsItsOwn(t *testing.T) {
	t.Parallel()
	found := stale()
	found.Front = &topology.Front{}
	e := harness.Experiment{Fix: "no pool in front", Found: found, Change: func(s *harness.Scenario) { s.Front.Policy.UpstreamKeepAlive = topology.Off }}
	require.NoError(t, e.Validate())
	assert.Equal(t, topology.Default, found.Front.Policy.UpstreamKeepAlive)
}
