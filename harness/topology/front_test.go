package topology_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/badgateway/badgateway/harness/topology"
)

func TestFront(t *testing.T) {
	impatient := topology.Policy{ResponseTimeout: time.Second}
	for name, test := range map[string]struct {
		front *topology.Front
		text  string
		doors []string
		want  []string // parts of the message; none for a valid front
	}{
		"defaults":    {&topology.Front{}, "the gateway's own defaults", []string{"gateway-name-1"}, nil},
		"policy":      {&topology.Front{Policy: impatient, Names: 1}, "response timeout 1s", []string{"gateway-name-1"}, nil},
		"three names": {&topology.Front{Policy: impatient, Names: 3}, "response timeout 1s; it knows the gateway by 3 names", []string{"gateway-name-1", "gateway-name-2", "gateway-name-3"}, nil},
		"all wrong": {
			&topology.Front{Policy: topology.Policy{Retries: 200}, Names: 65}, "at most 200 retries; it knows the gateway by 65 names", nil,
			[]string{"front: policy: 200 retries", "front: 65 names of the gateway, want 1 to 64"},
		},
		"less than none": {&topology.Front{Names: -1}, "the gateway's own defaults", []string{"gateway-name-1"}, []string{"front: -1 names"}},
	} {
		t.Run(name, func(t *testing.T) {
			assertProblems(t, test.front.Validate(), test.want)
			assert.Equal(t, test.text, test.front.String())
			if test.doors != nil {
				assert.Equal(t, test.doors, test.front.Doors())
			}
		})
	}
	var none *topology.Front
	assert.NoError(t, none.Validate())
	assert.Empty(t, none.String())
}
