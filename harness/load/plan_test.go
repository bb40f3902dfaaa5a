package load

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var orders = Mix{GET("/orders"), POST("/orders"), {Method: "PUT", Path: "/orders/7", Body: 1000}}

// written is the whole schedule as text, for comparisons byte for byte.
func written(c Load, seed uint64) string {
	var b strings.Builder
	for p := range c.Plan(seed) {
		fmt.Fprintf(&b, "%+v\n", p)
	}
	return b.String()
}

func TestPlanDependsOnTheSeedAlone(t *testing.T) {
	load := Constant{Rate: 100, For: time.Second, Request: orders}
	once, again := written(load, 7), written(load, 7)
	assert.Equal(t, once, again)
	assert.NotEqual(t, written(load, 7), written(load, 8))

	// What is drawn differs too, not the ids alone.
	methods := func(seed uint64) (all string) {
		for p := range load.Plan(seed) {
			all += p.Method + " "
		}
		return all
	}
	assert.NotEqual(t, methods(7), methods(8))
}

// A user who is told a seed today must get the same requests from the next version of badgateway.
func TestPlanOfSeed42(t *testing.T) {
	load := Constant{Rate: 8, For: time.Second, Request: Mix{GET("/orders"), POST("/orders")}}
	var got []string
	for p := range load.Plan(42) {
		got = append(got, fmt.Sprintf("%s %s %s", p.ID, p.Due, p.Method))
	}
	assert.Equal(t, []string{
		"16-1 0s GET", "16-2 125ms POST", "16-3 250ms POST", "16-4 375ms POST",
		"16-5 500ms GET", "16-6 625ms GET", "16-7 750ms POST", "16-8 875ms POST",
	}, got)
}

// A reader of the schedule may stop; the rest is not made.
func TestPlanStopsWithItsReader(t *testing.T) {
	n := 0
	for range (Constant{Rate: 100_000, For: 1e6 * time.Hour, Request: GET("/")}).Plan(1) {
		n++
		if n == 3 {
			break
		}
	}
	assert.Equal(t, 3, n)
}

func TestPlanKeepsToRateAndTime(t *testing.T) {
	for _, test := range []struct {
		rate  float64
		lasts time.Duration
		count int
	}{
		{200, 4 * time.Second, 800},
		{1000, time.Millisecond, 1},
		{0.5, 10 * time.Second, 5},
		{3, 1100 * time.Millisecond, 3},
		{100, 570 * time.Millisecond, 57}, // 56.99999999999999 in floating point
		{10, 290 * time.Millisecond, 2},
		{10, 1900 * time.Millisecond, 19},
		{100_000, time.Second, 100_000},
	} {
		t.Run(fmt.Sprintf("%g per second for %s", test.rate, test.lasts), func(t *testing.T) {
			load := Constant{Rate: test.rate, For: test.lasts, Request: GET("/orders")}
			require.NoError(t, load.Validate())
			require.Equal(t, test.count, load.Count())
			n, last := 0, time.Duration(-1)
			for p := range load.Plan(1) {
				if p.Due <= last || math.Abs(p.Due.Seconds()-float64(n)/test.rate) > 1e-8 {
					t.Fatalf("request %d is due at %s, after one due at %s", n+1, p.Due, last)
				}
				n, last = n+1, p.Due
			}
			assert.Equal(t, test.count, n)
			assert.Less(t, last, test.lasts)
		})
	}
}

// A whole number of requests is never rounded down to one fewer.
func TestCountIsNotRoundedAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 100_000).Draw(t, "count")
		milliseconds := rapid.IntRange(1, 100_000).Draw(t, "milliseconds")
		load := Constant{
			Rate: float64(count) / (float64(milliseconds) / 1000), For: time.Duration(milliseconds) * time.Millisecond,
		}
		require.Equal(t, count, load.Count(), "%v for %v", load.Rate, load.For)
	})
}

func TestIDsAreUnique(t *testing.T) {
	inHeader := regexp.MustCompile(`^[0-9a-z]+-[0-9]+$`)
	seen := map[string]bool{}
	for _, seed := range []uint64{0, 1, 36, 37, math.MaxUint64} {
		for p := range (Constant{Rate: 1000, For: time.Second, Request: orders}).Plan(seed) {
			if seen[p.ID] || !inHeader.MatchString(p.ID) {
				t.Fatalf("request %q of seed %d", p.ID, seed)
			}
			seen[p.ID] = true
		}
	}
}

// Alternation would send one method to one of two replicas and the other to the other, so the draw has no memory: all
// members come about equally often, and so do all pairs.
func TestMixDrawsWithoutMemory(t *testing.T) {
	const n = 9000
	members, pairs := map[string]int{}, map[string]int{}
	before := ""
	for p := range (Constant{Rate: n, For: time.Second, Request: orders}).Plan(42) {
		members[p.Method]++
		if before != "" {
			pairs[before+" "+p.Method]++
		}
		before = p.Method
	}
	require.Len(t, members, 3)
	require.Len(t, pairs, 9)
	for name, got := range members {
		assertAbout(t, n, 1./3, got, name)
	}
	for name, got := range pairs {
		assertAbout(t, n, 1./9, got, name)
	}
}

// assertAbout allows four standard errors.
func assertAbout(t *testing.T, n int, share float64, got int, name string) {
	t.Helper()
	assert.InDelta(t, float64(n)*share, got, 4*math.Sqrt(float64(n)*share*(1-share)), name)
}

func TestValidate(t *testing.T) {
	valid := Constant{Rate: 100, For: time.Second, Request: GET("/orders")}
	for name, test := range map[string]struct {
		change func(*Constant)
		want   string // the whole message; empty for a valid load
	}{
		"valid":          {func(*Constant) {}, ""},
		"valid mix":      {func(c *Constant) { c.Request = orders }, ""},
		"with a timeout": {func(c *Constant) { c.Timeout = time.Second }, ""},
		"fastest":        {func(c *Constant) { c.Rate = 100_000 }, ""},
		"zero": {
			func(c *Constant) { *c = Constant{} },
			"load: rate 0 per second, want more than 0 and at most 100000\nload: for 0s, want a positive duration\nload: no request",
		},
		"negative rate": {
			func(c *Constant) { c.Rate = -1 },
			"load: rate -1 per second, want more than 0 and at most 100000",
		},
		"too fast": {
			func(c *Constant) { c.Rate = 100_001 },
			"load: rate 100001 per second, want more than 0 and at most 100000",
		},
		"no number": {
			func(c *Constant) { c.Rate = math.NaN() },
			"load: rate NaN per second, want more than 0 and at most 100000",
		},
		"no request in that time": {
			func(c *Constant) { c.Rate = 0.5 },
			"load: not one request at 0.5/s for 1s",
		},
		"negative duration": {func(c *Constant) { c.For = -1 }, "load: for -1ns, want a positive duration"},
		"negative timeout":  {func(c *Constant) { c.Timeout = -time.Second }, "load: timeout -1s"},
		"negative connections": {
			func(c *Constant) { c.Connections = Connections{AtMost: -1} },
			`load: at most -1 connections, 0 requests on each, used for 0s: want no negative limit`,
		},
		"empty mix":   {func(c *Constant) { c.Request = Mix{} }, "load: an empty mix"},
		"nil mix":     {func(c *Constant) { c.Request = Mix(nil) }, "load: an empty mix"},
		"no method":   {func(c *Constant) { c.Request = GET("/").with("", "/") }, `load: method ""`},
		"lower case":  {func(c *Constant) { c.Request = GET("/").with("get", "/") }, `load: method "get"`},
		"two methods": {func(c *Constant) { c.Request = GET("/").with("GET POST", "/") }, `load: method "GET POST"`},
		"no path":     {func(c *Constant) { c.Request = GET("") }, `load: path "" must begin with / and have no spaces`},
		"relative":    {func(c *Constant) { c.Request = GET("orders") }, `load: path "orders" must begin with / and have no spaces`},
		"two lines": {
			func(c *Constant) { c.Request = GET("/ HTTP/1.1\r\nX: y") },
			`load: path "/ HTTP/1.1\r\nX: y" must begin with / and have no spaces`,
		},
		"negative body":   {func(c *Constant) { c.Request = Request{Method: "POST", Path: "/", Body: -1} }, "load: negative body size in POST /"},
		"negative answer": {func(c *Constant) { c.Request = Request{Method: "POST", Path: "/", Answer: -1} }, "load: negative body size in POST /"},
		"takes too little": {
			func(c *Constant) { c.Request = Request{Method: "GET", Path: "/", Takes: time.Microsecond} },
			"load: GET / takes 1µs, want whole milliseconds",
		},
		"continue with a body": {
			func(c *Constant) { c.Request = Request{Method: "POST", Path: "/", Body: 1, ExpectContinue: true} },
			"",
		},
		"continue without a body": {
			func(c *Constant) { c.Request = Request{Method: "POST", Path: "/", ExpectContinue: true} },
			"load: POST / expects to continue without a body (RFC 9110, section 10.1.1)",
		},
		"everything at once": {
			func(c *Constant) {
				*c = Constant{Rate: -1, For: -1, Timeout: -1, Connections: Connections{Age: -1}, Request: Mix{GET("a"), {Method: "get", Path: "/"}}}
			},
			"load: rate -1 per second, want more than 0 and at most 100000\nload: for -1ns, want a positive duration\n" +
				"load: timeout -1ns\nload: at most 0 connections, 0 requests on each, used for -1ns: want no negative limit\n" +
				"load: path \"a\" must begin with / and have no spaces\nload: method \"get\"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			load := valid
			test.change(&load)
			err := load.Validate()
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.want)
		})
	}
}

func (r Request) with(method, path string) Request {
	r.Method, r.Path = method, path
	return r
}

func TestString(t *testing.T) {
	load := Constant{Rate: 12.5, For: 4 * time.Second, Request: orders}
	assert.Equal(t, "GET /orders or POST /orders or PUT /orders/7 at 12.5/s for 4s", load.String())
	load.Connections = PerRequestHTTP10
	assert.Equal(t, "GET /orders or POST /orders or PUT /orders/7 at 12.5/s for 4s, one connection per request, HTTP/1.0", load.String())
}

// A small answer is enough to name its backend and its request, a small body to be a form.
func TestRequests(t *testing.T) {
	assert.Equal(t, Request{Method: "GET", Path: "/a", Answer: 128}, GET("/a"))
	assert.Equal(t, Request{Method: "POST", Path: "/a", Body: 128, Answer: 128}, POST("/a"))
}
