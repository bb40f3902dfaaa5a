package load

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// dues lists when the requests of a load are due.
func dues(l Load, seed uint64) (all []time.Duration) {
	for p := range l.Plan(seed) {
		all = append(all, p.Due)
	}
	return all
}

// openLoops is one of each kind.
var openLoops = map[string]Load{
	"constant": Constant{Rate: 100, For: time.Second, Request: orders},
	"poisson":  Poisson{Rate: 100, For: time.Second, Request: orders},
	"ramp":     Ramp{From: 50, To: 150, For: time.Second, Request: orders},
	"steps":    Steps{Steps: []Step{{50, time.Second / 2}, {150, time.Second / 2}}, Request: orders},
	"spike":    Spike{Rate: 80, Peak: 280, At: 300 * ms, Width: 100 * ms, For: time.Second, Request: orders},
}

func TestOpenLoops(t *testing.T) {
	for name, l := range openLoops {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, l.Validate())
			assert.Equal(t, time.Second, l.Lasts())
			assert.Equal(t, 100, l.Count())
			once, again := written(l, 7), written(l, 7)
			assert.Equal(t, once, again)
			assert.NotEqual(t, written(l, 7), written(l, 8))
			due := dues(l, 7)
			assert.Len(t, due, 100)
			assert.True(t, slices.IsSorted(due))
			assert.GreaterOrEqual(t, due[0], time.Duration(0))
			assert.Less(t, due[99], time.Second)
		})
	}
}

// The n-th request is due when the integral of the rate has come to n: written down here as its closed form.
func TestRampsAreDueByTheIntegral(t *testing.T) {
	seconds := func(s float64) time.Duration { return time.Duration(s * 1e9) }
	for name, test := range map[string]struct {
		load Load
		due  func(n float64) time.Duration
	}{
		"from nothing":     {Ramp{To: 100, For: 2 * time.Second}, func(n float64) time.Duration { return seconds(math.Sqrt(n / 25)) }},
		"to nothing":       {Ramp{From: 100, For: 2 * time.Second}, func(n float64) time.Duration { return seconds(2 - math.Sqrt(4-n/25)) }},
		"up":               {Ramp{From: 10, To: 30, For: time.Second}, func(n float64) time.Duration { return seconds((math.Sqrt(1+4*n/10) - 1) / 2) }},
		"level":            {Ramp{From: 50, To: 50, For: time.Second}, func(n float64) time.Duration { return seconds(n / 50) }},
		"steps":            {Steps{Steps: []Step{{10, time.Second}, {20, time.Second}}}, func(n float64) time.Duration { return seconds(min(n/10, 1) + max(n-10, 0)/20) }},
		"steps with pause": {Steps{Steps: []Step{{10, time.Second}, {0, 3 * time.Second}, {10, time.Second}}}, func(n float64) time.Duration { return seconds(n/10 + 3*math.Floor(n/10)) }},
		"spike":            {Spike{Rate: 10, Peak: 100, At: time.Second, Width: time.Second, For: 3 * time.Second}, spike},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0.
			for due := range test.load.streams()[0].arrivals(1) {
				require.InDelta(t, test.due(n), due, 2, "request %g", n+1)
				n++
			}
			assert.InDelta(t, test.load.Count(), n, 0)
		})
	}
}

func spike(n float64) time.Duration {
	switch {
	case n < 10:
		return time.Duration(n / 10 * 1e9)
	case n < 110:
		return time.Second + time.Duration((n-10)/100*1e9)
	default:
		return 2*time.Second + time.Duration((n-110)/10*1e9)
	}
}

// Whatever the profile, its requests are in order, within its time, and as many as the integral of the rate says.
func TestProfiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var way profile
		area := 0.
		for range rapid.IntRange(1, 5).Draw(t, "segments") {
			from, to := rapid.Float64Range(0, 500).Draw(t, "from"), rapid.Float64Range(0, 500).Draw(t, "to")
			lasts := time.Duration(rapid.IntRange(1, 3000).Draw(t, "milliseconds")) * ms
			way = append(way, segment{from, to, lasts})
			area += (from + to) / 2 * lasts.Seconds()
		}
		s := way.stream()
		require.InDelta(t, math.Floor(area+rounding), s.count, 0)
		last, n := time.Duration(-1), 0
		for due := range s.arrivals(0) {
			require.GreaterOrEqual(t, due, last)
			last, n = due, n+1
		}
		require.Equal(t, s.count, n)
		require.LessOrEqual(t, last, s.lasts)
	})
}

// Gaps of a Poisson process are exponential and independent, so that the counts of stretches of time vary as their mean
// does. Where its number is known it is a little less at long stretches, and not to be told from it at short ones.
func TestPoissonIsRandom(t *testing.T) {
	const n, rate = 20_000, 2000.
	due := dues(Poisson{Rate: rate, For: 10 * time.Second, Request: GET("/")}, 42)
	require.Len(t, due, n)
	gaps := make([]float64, 0, n)
	for i := 1; i < n; i++ {
		gaps = append(gaps, (due[i] - due[i-1]).Seconds())
	}
	slices.Sort(gaps)
	distance := 0. // Kolmogorov and Smirnov's
	for i, gap := range gaps {
		distance = max(distance, math.Abs(1-math.Exp(-rate*gap)-float64(i)/float64(len(gaps))))
	}
	assert.Less(t, distance, 1.63/math.Sqrt(n), "the gaps are exponential, at a level of 1 %")

	counts := make([]float64, 2000) // of 5 ms each, 10 requests on average
	for _, d := range due {
		counts[d/(5*ms)]++
	}
	variance := 0.
	for _, c := range counts {
		variance += (c - 10) * (c - 10) / float64(len(counts)-1)
	}
	assert.InDelta(t, 1, variance/10, 4*math.Sqrt(2./2000), "the index of dispersion")
}

// A load whose draws depended on its arrivals would send other requests at another rate.
func TestArrivalsDoNotChangeTheDraws(t *testing.T) {
	methods := func(l Load) (all []string) {
		for p := range l.Plan(7) {
			all = append(all, p.ID+" "+p.Method)
		}
		return all
	}
	want := methods(openLoops["constant"])
	for name, l := range openLoops {
		assert.Equal(t, want, methods(l), name)
	}
}

func TestWrongOpenLoops(t *testing.T) {
	get := GET("/")
	for _, test := range []struct {
		load Load
		want string
	}{
		{Poisson{Rate: -1, For: 1, Request: get}, "load: rate -1 per second, want more than 0 and at most 100000"},
		{Poisson{Rate: 1, For: time.Millisecond, Request: get}, "load: not one request at random, 1/s for 1ms"},
		{Ramp{From: math.NaN(), To: 1e6, For: time.Second, Request: get}, "load: rate NaN per second, want 0 or more and at most 100000\nload: rate 1e+06 per second, want 0 or more and at most 100000"},
		{Ramp{For: time.Second, Request: get}, "load: not one request at 0/s to 0/s for 1s"},
		{Steps{Request: get}, "load: for 0s, want a positive duration"},
		{Steps{Steps: []Step{{1, time.Second}, {-1, 0}}, Request: get}, "load: rate -1 per second, want 0 or more and at most 100000\nload: a step for 0s, want a positive duration"},
		{Spike{Rate: 1, Peak: 9, At: time.Second, Width: time.Second, For: 1500 * ms, Request: get}, "load: a spike at 1s for 1s does not lie within the load of 1.5s"},
		{Spike{Rate: 1, Peak: 9, At: math.MaxInt64, Width: time.Second, For: time.Second, Request: get}, "load: a spike at 2562047h47m16.854775807s for 1s does not lie within the load of 1s"},
		{Constant{Rate: 10, For: time.Second, Warmup: time.Second, Request: get}, "load: 1s to warm up, want less than the 1s that it lasts"},
		{Constant{Rate: 10, For: time.Second, Warmup: -1, Request: get}, "load: -1ns to warm up, want less than the 1s that it lasts"},
		{Constant{Rate: 10, For: time.Second, Request: get, Connections: Connections{Requests: -1}}, "load: at most 0 connections, -1 requests on each, used for 0s: want no negative limit"},
	} {
		t.Run(test.want, func(t *testing.T) { require.EqualError(t, test.load.Validate(), test.want) })
	}
}

func TestWordsOfOpenLoops(t *testing.T) {
	for want, l := range map[string]Load{
		"GET / at random, 5/s for 2s":                                   Poisson{Rate: 5, For: 2 * time.Second, Request: GET("/")},
		"GET / at 5/s to 10/s for 2s":                                   Ramp{From: 5, To: 10, For: 2 * time.Second, Request: GET("/")},
		"GET / in steps (5/s for 1s, 0/s for 2s) for 3s":                Steps{Steps: []Step{{5, time.Second}, {0, 2 * time.Second}}, Request: GET("/")},
		"GET / at 5/s, with 50/s from 1s to 1.5s for 3s":                Spike{Rate: 5, Peak: 50, At: time.Second, Width: 500 * ms, For: 3 * time.Second, Request: GET("/")},
		"GET / at 5/s for 3s, timeout 1s, of which 500ms to warm up":    Constant{Rate: 5, For: 3 * time.Second, Timeout: time.Second, Warmup: 500 * ms, Request: GET("/")},
		"GET / at 5/s for 3s, at most 4 connections":                    Constant{Rate: 5, For: 3 * time.Second, Connections: Connections{AtMost: 4}, Request: GET("/")},
		"GET / at 5/s for 3s, at most 9 requests on each connection":    Constant{Rate: 5, For: 3 * time.Second, Connections: Connections{Requests: 9}, Request: GET("/")},
		"GET / at 5/s for 3s, connections used for at most 2s":          Constant{Rate: 5, For: 3 * time.Second, Connections: Connections{Age: 2 * time.Second}, Request: GET("/")},
		"GET / at 5/s for 3s, one connection per request":               Constant{Rate: 5, For: 3 * time.Second, Connections: PerRequest, Request: GET("/")},
		"3 x GET / or POST / with a key at 5/s for 3s":                  Constant{Rate: 5, For: 3 * time.Second, Request: weighted},
		"GET /a at 1/s for 1s; control: GET /b on 2 connections for 2s": both("control"),
	} {
		assert.Equal(t, want, fmt.Sprint(l))
	}
}

var weighted = Mix{
	{Method: "GET", Path: "/", Weight: 3},
	{Method: "POST", Path: "/", IdempotencyKey: true},
}

func both(name string) Together {
	return Together{
		{Load: Constant{Rate: 1, For: time.Second, Request: GET("/a")}},
		{Name: name, Load: Closed{Connections: 2, For: 2 * time.Second, Request: GET("/b")}},
	}
}

func TestWarmupIsTheBeginning(t *testing.T) {
	l := Constant{Rate: 10, For: time.Second, Warmup: 300 * ms, Request: GET("/")}
	for p := range l.Plan(1) {
		assert.Equal(t, p.Due < 300*ms, p.Warmup, "%s", p.Due)
	}
}

func TestWeights(t *testing.T) {
	const n = 8000
	drawn := map[string]int{}
	for p := range (Constant{Rate: n, For: time.Second, Request: weighted}).Plan(42) {
		drawn[p.Method]++
	}
	assertAbout(t, n, .75, drawn["GET"], "GET")
	assertAbout(t, n, .25, drawn["POST"], "POST")
}

func TestWrongRequests(t *testing.T) {
	with := func(line string) Request { return Request{Method: "GET", Path: "/", Header: []string{line}} }
	for want, r := range map[string]Request{
		`load: header line "Accept", want a name, a colon and a value`:                        with("Accept"),
		`load: header line ": x", want a name, a colon and a value`:                           with(": x"),
		`load: header line "A b: x", want a name, a colon and a value`:                        with("A b: x"),
		`load: header line "A: x\r\nB: y", want a name, a colon and a value`:                  with("A: x\r\nB: y"),
		`load: header line "Host: x": the client writes Host by itself`:                       with("Host: x"),
		`load: header line "content-length: 5": the client writes content-length by itself`:   with("content-length: 5"),
		`load: header line "X-Badgateway-Id: 5": the client writes X-Badgateway-Id by itself`: with("X-Badgateway-Id: 5"),
		`load: header line "Idempotency-Key: 5": the client writes Idempotency-Key by itself`: with("Idempotency-Key: 5"),
		`load: negative weight of GET /`:                                                      {Method: "GET", Path: "/", Weight: -1},
	} {
		t.Run(want, func(t *testing.T) { require.EqualError(t, r.validate(), want) })
	}
	require.NoError(t, with("Accept: text/html;q=0.9,\t*/*").validate())
	require.NoError(t, with("X-Empty:").validate())
}
