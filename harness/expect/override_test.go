package expect_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

func TestOverride(t *testing.T) {
	t.Parallel()
	get := expect.Method("GET")
	for name, c := range map[string]struct {
		own             expect.Expectation
		promise, atMost string
		want            string // the promise, "" if the override is not about it
	}{
		"a share by its metric":      {expect.Failures(during).AtMost(0.5), "failures", "2 %", "failures during cut on orders: at most 2.0 % (by team.yaml)"},
		"a share by its name":        {expect.Failures(during).Where(get).AtMost(0.5), "failures of GET during cut on orders", "2%", "failures of GET during cut on orders: at most 2.0 % (by team.yaml)"},
		"by a pattern":               {expect.Failures(during).Where(get).AtMost(0.5), "failures of GET during *", "0.001 %", "failures of GET during cut on orders: at most 0.001 % (by team.yaml)"},
		"another name":               {expect.Failures(during).Where(get).AtMost(0.5), "failures of POST during *", "2%", ""},
		"another metric":             {expect.Failures(during).AtMost(0.5), "failure", "2 %", ""},
		"none, loosened":             {expect.Failures(during).None(), "failures", "2 %", "failures during cut on orders: at most 2.0 % (by team.yaml)"},
		"a share, tightened to none": {expect.Failures(during).AtMost(0.5), "failures", "none", "failures during cut on orders: none (by team.yaml)"},
		"a mean":                     {expect.AttemptsPerRequest(whole).AtMost(2), "attempts per request", "1.5", "attempts per request in the whole run: at most 1.5 (by team.yaml)"},
		"a latency":                  {expect.LatencyOf(0.99, whole).AtMost(time.Second), "latency p99", "250 ms", "latency p99 of answered in the whole run: at most 250ms (by team.yaml)"},
		"a time to recover": {
			expect.Recovery(record.Phase{Window: cut, Part: record.After}).Within(time.Second), "time to recover", "3s",
			"time to recover after cut on orders: within 3s (by team.yaml)",
		},
		"a waiver has no bound": {expect.Waive("hangs", "x"), "hangs", "none", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, about, err := expect.All{c.own}.Override([]expect.Override{{Promise: c.promise, AtMost: c.atMost, By: "team.yaml"}})
			require.NoError(t, err)
			require.Equal(t, []bool{c.want != ""}, about)
			v := all[0].Judge(run(100))
			if c.want == "" {
				assert.Equal(t, c.own.Judge(run(100)), v)
				return
			}
			assert.Equal(t, c.want, v.Promise)
			assert.Equal(t, "team.yaml", v.By)
			assert.Equal(t, c.own.Phase(), all[0].Phase())
		})
	}
}

func TestWrongOverrides(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]struct {
		own    expect.Expectation
		atMost string
	}{
		"failures during cut on orders: at_most: 2: want none, or a share like 2 %":         {expect.Failures(during).None(), "2"},
		"failures during cut on orders: at_most: 250ms: want none, or a share like 2 %":     {expect.Failures(during).None(), "250ms"},
		"failures during cut on orders: at_most: 100 %: failures during cut on orders: a b": {expect.Failures(during).None(), "100 %"},
		"attempts per request in the whole run: at_most: many: want a number like 1.5":      {expect.AttemptsPerRequest(whole).AtMost(2), "many"},
		"attempts per request in the whole run: at_most: 0: attempts per request":           {expect.AttemptsPerRequest(whole).AtMost(2), "0"},
		"latency p99 of answered in the whole run: at_most: 5: want a time like 250ms":      {expect.LatencyOf(0.99, whole).AtMost(2), "5"},
	} {
		_, _, err := expect.All{c.own}.Override([]expect.Override{{Promise: "*", AtMost: c.atMost}})
		require.ErrorContains(t, err, want)
	}
}

// A team's bound takes the place of the scenario's, the last one if there are several, and what is known of the gateway is
// not gone because a looser bound lets it pass.
func TestOverrideIsJudged(t *testing.T) {
	t.Parallel()
	e := broken(run(1000), 30, 502)
	known := []expect.Deviation{{Metric: "failures", Outcomes: []string{"502"}, Untouched: true, Happens: "POSTs fail", Why: "because"}}
	judge := func(bounds ...string) expect.Verdict {
		var overrides []expect.Override
		for _, b := range bounds {
			overrides = append(overrides, expect.Override{Promise: "failures", AtMost: b, By: "team.yaml"})
		}
		all, _, err := promises.Override(overrides)
		require.NoError(t, err)
		return expect.Judge(all, e, known)[0]
	}
	assert.Equal(t, expect.Known, judge().Ruling)
	assert.Equal(t, expect.Pass, judge("10 %").Ruling)
	assert.Equal(t, expect.Known, judge("1 %").Ruling)
	assert.InDelta(t, 0.01, judge("10 %", "1 %").Bound, 1e-12)
}
