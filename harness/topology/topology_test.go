package topology_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/topology"
)

func TestGroupValidate(t *testing.T) {
	for name, test := range map[string]struct {
		group topology.Group
		want  []string // parts of the message; none for a valid group
	}{
		"one replica":        {group: topology.Replicas("orders", 1)},
		"as many as allowed": {group: topology.Replicas("orders", 64)},
		"digits in the name": {group: topology.Replicas("o2", 2)},
		"longest name":       {group: topology.Replicas("o"+strings.Repeat("x", 30), 2)},
		"name too long":      {topology.Replicas("o"+strings.Repeat("x", 31), 2), []string{"name"}},
		"no name":            {topology.Replicas("", 2), []string{"name"}},
		"capital":            {topology.Replicas("Orders", 2), []string{`"Orders"`}},
		"dash":               {topology.Replicas("or-ders", 2), []string{`"or-ders"`}},
		"digit first":        {topology.Replicas("2o", 2), []string{`"2o"`}},
		"line feed":          {topology.Replicas("orders\n", 2), []string{`"orders\n"`}},
		"no replicas":        {topology.Replicas("orders", 0), []string{"orders: 0 replicas"}},
		"below none":         {topology.Replicas("orders", -1), []string{"orders: -1 replicas"}},
		"too many":           {topology.Replicas("orders", 65), []string{"orders: 65 replicas"}},
		"everything wrong":   {topology.Group{}, []string{"name", "0 replicas"}},
	} {
		t.Run(name, func(t *testing.T) { assertProblems(t, test.group.Validate(), test.want) })
	}
}

// assertProblems checks that the error says all of that, or that there is none.
func assertProblems(t *testing.T, err error, want []string) {
	t.Helper()
	if len(want) == 0 {
		assert.NoError(t, err)
		return
	}
	for _, part := range want {
		assert.ErrorContains(t, err, part)
	}
}

func TestTargets(t *testing.T) {
	orders := topology.Replicas("orders", 3)
	for name, test := range map[string]struct {
		target   topology.Target
		text     string
		replicas []string
	}{
		"first":   {orders.Replica(1), "orders-1", []string{"orders-1"}},
		"last":    {orders.Replica(3), "orders-3", []string{"orders-3"}},
		"each":    {orders.Each(), "orders", []string{"orders-1", "orders-2", "orders-3"}},
		"nothing": {topology.Target{}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.text, test.target.String())
			var replicas []string
			for _, r := range test.target.Replicas() {
				replicas = append(replicas, r.String())
			}
			assert.Equal(t, test.replicas, replicas)
		})
	}
	assert.Equal(t, orders.Each().Replicas(), orders.Members())
}

func TestTargetValidateIn(t *testing.T) {
	orders := topology.Replicas("orders", 3)
	for name, test := range map[string]struct {
		target topology.Target
		want   []string
	}{
		"first":              {target: orders.Replica(1)},
		"last":               {target: orders.Replica(3)},
		"each":               {target: orders.Each()},
		"nothing":            {topology.Target{}, []string{"no target"}},
		"beyond the last":    {orders.Replica(4), []string{"unknown replica orders-4", "orders has 3"}},
		"counted from 0":     {orders.Replica(0), []string{"unknown replica orders-0"}},
		"below 0":            {orders.Replica(-1), []string{"unknown replica orders--1"}},
		"another group":      {topology.Replicas("carts", 3).Replica(1), []string{"unknown target carts-1", "orders (3 replicas)"}},
		"another size":       {topology.Replicas("orders", 4).Replica(1), []string{"unknown target orders-1"}},
		"each of another":    {topology.Replicas("carts", 3).Each(), []string{"unknown target carts"}},
		"group of zero size": {topology.Replicas("orders", 0).Each(), []string{"unknown target orders"}},
	} {
		t.Run(name, func(t *testing.T) { assertProblems(t, test.target.ValidateIn(orders), test.want) })
	}
}

func TestPolicyNeeds(t *testing.T) {
	for name, test := range map[string]struct {
		policy topology.Policy
		want   []topology.Capability
	}{
		"zero":       {},
		"keep-alive": {topology.Policy{UpstreamKeepAlive: topology.On}, []topology.Capability{"upstream-keep-alive"}},
		"no keep-alive": {
			topology.Policy{UpstreamKeepAlive: topology.Off}, []topology.Capability{"upstream-keep-alive-off"},
		},
		"keep-alive with a timeout": {
			topology.Policy{UpstreamKeepAlive: topology.On, UpstreamIdleTimeout: 1e9},
			[]topology.Capability{"upstream-keep-alive", "upstream-idle-timeout"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, test.policy.Validate())
			assert.Equal(t, test.want, test.policy.Needs())
			assert.Subset(t, topology.Capabilities(), test.policy.Needs())
		})
	}
}

func TestPolicyValidate(t *testing.T) {
	for name, test := range map[string]struct {
		policy topology.Policy
		want   []string
	}{
		"zero":            {},
		"milliseconds":    {policy: topology.Policy{UpstreamIdleTimeout: 1_500e6}},
		"unknown switch":  {topology.Policy{UpstreamKeepAlive: "yes"}, []string{`"yes"`}},
		"negative":        {topology.Policy{UpstreamIdleTimeout: -1e9}, []string{"-1s"}},
		"microseconds":    {topology.Policy{UpstreamIdleTimeout: 1_500e3 + 1}, []string{"whole milliseconds"}},
		"contradiction":   {topology.Policy{UpstreamKeepAlive: topology.Off, UpstreamIdleTimeout: 1e9}, []string{"contradicts"}},
		"half a breaker":  {topology.Policy{CircuitBreaker: topology.CircuitBreaker{Open: 1e9}}, []string{"needs open and recovery"}},
		"two things":      {topology.Policy{UpstreamKeepAlive: "yes", UpstreamIdleTimeout: -1}, []string{`"yes"`, "-1ns"}},
		"off, no timeout": {policy: topology.Policy{UpstreamKeepAlive: topology.Off}},
	} {
		t.Run(name, func(t *testing.T) { assertProblems(t, test.policy.Validate(), test.want) })
	}
}
