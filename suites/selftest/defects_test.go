package selftest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/wire"
	"github.com/badgateway/badgateway/reports"
)

// defects are the planted ones: where, what, and every metric that must fail, and no other may.
var defects = map[string]struct {
	on     ground
	plant  reverseproxy.Wrap
	caught []string
}{
	"a POST is replayed":    {stale, transport(replayPosts), []string{"attempts over 1", "duplicate executions"}},
	"an error is swallowed": {stale, transport(swallowErrors), []string{"answers that no backend gave"}},
	// A truncated, a corrupt and a crossed answer are failures of their requests too, so a promise of none is broken.
	"a body is truncated but ended cleanly": {stale, transport(truncate), []string{"failures", "outcome truncated", "truncated answers that end cleanly"}},
	"a body is cut off":                     {stale, transport(cutBodies), []string{"failures", "outcome truncated"}},
	"a body is corrupted":                   {stale, transport(corrupt), []string{"failures", "corrupt answers"}},
	"answers are crossed":                   {stale, transport(cross()), []string{"failures", "crossed answers"}},
	"a 404 is invented":                     {stale, transport(invent(http.StatusNotFound)), []string{"status 404", "answers that no backend gave"}},
	"an upload is altered":                  {stale, transport(alterUploads), []string{"altered bodies", "corrupt arrivals"}},
	"an answer hangs":                       {stale, transport(hang), []string{"failures", "hangs"}},

	"no retry where one was promised": {errands, gateway{}.wrap(), []string{"failures"}},
	"a retry to the same replica":     {errands, gateway{attempts: 2, pause: 40 * time.Millisecond, same: true}.wrap(), []string{"retries to the same replica"}},
	"no back-off":                     {errands, gateway{attempts: 2}.wrap(), []string{"retries within 20ms"}},

	"a retry storm":              {overload, gateway{attempts: 6}.wrap(), []string{"attempts over 2", "attempts per request"}},
	"a status that does not fit": {overload, transport(turn(http.StatusServiceUnavailable, http.StatusInternalServerError)), []string{"failures but 503"}},
	"a 5xx hidden as 200":        {overload, transport(turn(http.StatusServiceUnavailable, http.StatusOK)), []string{"answers that no backend gave"}},
	"an error told by closing":   {overload, reverseproxy.Wrap{Handler: closeOnErrors}, []string{"failures but 503"}},

	"slow answers":                  {slowness, transport(dawdle), []string{"latency p80"}},
	"a connection for each request": {slowness, transport(closeConnections), []string{"connections per request"}},
	"errors of the gateway's own":   {slowness, transport(invent(http.StatusBadGateway)), []string{"failures", "5xx"}},
	"ghost work left by an early retry": {
		slowness, gateway{hurry: 5 * time.Millisecond}.wrap(), []string{"ghost work", "attempts over 1", "retries to another replica"},
	},

	"a dead replica is kept": {sickness, gateway{}.wrap(), []string{"time to eject", "requests touched by the fault"}},
	"a late recovery":        {sickness, gateway{opens: 1200 * time.Millisecond}.wrap(), []string{"time to recover"}},
}

func TestDefectsAreCaughtByName(t *testing.T) {
	for name, d := range defects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := execute(t, d.on.scenario(), d.plant, 42)
			assert.Equal(t, expect.Fail, result.Ruling)
			assert.ElementsMatch(t, d.caught, failed(result), "%s", told(result))
		})
	}
}

// Whatever is promised anywhere here is broken by some defect: no promise is there for show.
func TestEveryPromiseCatchesADefect(t *testing.T) {
	t.Parallel()
	caught := map[string]bool{}
	for _, d := range defects {
		for _, metric := range d.caught {
			caught[metric] = true
		}
	}
	promised := map[string]bool{}
	for _, g := range grounds {
		for _, x := range g.scenario().Expect {
			promised[x.Judge(expect.Evidence{}).Metric] = true
		}
	}
	for _, metric := range slices.Sorted(maps.Keys(promised)) {
		assert.True(t, caught[metric], "no defect breaks %q", metric)
	}
	assert.GreaterOrEqual(t, len(defects), 15)
}

func failed(r reports.Result) []string {
	var metrics []string
	for _, v := range r.Verdicts {
		if v.Ruling == expect.Fail {
			metrics = append(metrics, v.Metric)
		}
	}
	return metrics
}

// told says what each promise came to.
func told(r reports.Result) string {
	var said strings.Builder
	for _, v := range r.Verdicts {
		said.WriteString(v.Ruling.String() + ": " + v.Promise + " " + v.Reason + "\n")
	}
	return said.String()
}

// some picks about a tenth of the requests by their id.
func some(r *http.Request) bool { return strings.HasSuffix(r.Header.Get(wire.ID), "7") }
