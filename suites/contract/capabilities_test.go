package contract

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/topology"
)

// Each claimed capability is proved by what a client or a backend sees of it; a gateway that does not claim it is not
// asked.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	for _, e := range effects {
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			harness.Inspect(t, e.inspection())
		})
	}
}

// A capability without an effect could be claimed by anybody.
func TestEveryCapabilityHasAnEffect(t *testing.T) {
	t.Parallel()
	proved := map[topology.Capability]bool{}
	for _, e := range effects {
		assert.Contains(t, e.policy.Needs(), e.of, "the policy asks for the capability")
		proved[e.of] = true
	}
	assert.ElementsMatch(t, topology.Capabilities(), slices.Collect(maps.Keys(proved)))
}
