package load

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
)

// byConnection lists what was seen on behalf of each connection of a closed loop, in the order of the requests.
func byConnection(seen []record.Request) map[string][]record.Request {
	all := map[string][]record.Request{}
	for _, r := range seen {
		of := r.ID[:strings.LastIndex(r.ID, "-")]
		all[of] = append(all[of], r)
	}
	return all
}

// Answers that take 300 ms, and 200 ms to think: each connection sends every half second, due when it has thought.
func TestClosedLoopWaitsForAnswers(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		load := Closed{Connections: 3, Think: 200 * ms, For: 2 * time.Second, Warmup: time.Second, Request: orders}
		require.NoError(t, load.Validate())
		require.Equal(t, Unknown, load.Count())
		sending := 0
		client := pipes{answer: 300 * ms}.client()
		client.Sending = func(n int) { sending++; require.Equal(t, sending, n) }
		time.Sleep(time.Minute)
		seen, err := send(t.Context(), client, load)
		require.NoError(t, err)
		require.Equal(t, 12, sending)
		for connection, requests := range byConnection(seen) {
			require.Len(t, requests, 4)
			for i, r := range requests {
				due := time.Minute + time.Duration(i)*500*ms
				assert.Equal(t, fmt.Sprintf("%s-%d", connection, i+1), r.ID)
				assert.Equal(t, []time.Duration{due, due, due + 300*ms}, []time.Duration{r.Due, r.Begun, r.Done})
				assert.Equal(t, i < 2, r.Warmup)
				assert.Equal(t, i > 0, r.Gap == 200*ms)
				assert.Equal(t, i+1, r.Position, "on one connection")
			}
		}
	})
}

// Time that stands still is not of the load: 1.5 s from 500 ms on make four turns into seven. It stands still no longer than
// may be.
func TestClosedLoopLastsLonger(t *testing.T) {
	for longest, turns := range map[time.Duration]int{0: 4, time.Second: 6, time.Minute: 7} {
		onFakeClock(t, func(t *testing.T) {
			load := Closed{Connections: 1, Think: 200 * ms, For: 2 * time.Second, Request: orders}
			client := pipes{answer: 300 * ms}.client()
			client.Longest = longest
			client.Longer = func() time.Duration { return min(max(0, client.Clock.Now()-500*ms), 1500*ms) }
			seen, err := send(t.Context(), client, load)
			require.NoError(t, err)
			assert.Len(t, seen, turns, "%s at most", longest)
		})
	}
}

// A closed loop of so many requests is over with the last of them, whoever sends it; the time is a limit only.
func TestClosedLoopOfSoManyRequests(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		load := Closed{Connections: 3, Requests: 10, For: time.Hour, Request: orders}
		require.NoError(t, load.Validate())
		began := time.Now()
		seen, err := send(t.Context(), pipes{answer: 300 * ms}.client(), load)
		require.NoError(t, err)
		assert.Len(t, seen, 10)
		assert.Equal(t, 4*300*ms, time.Since(began), "three at a time")

		load.For = time.Second
		seen, err = send(t.Context(), pipes{answer: 300 * ms}.client(), load)
		require.NoError(t, err)
		assert.Len(t, seen, 10, "the fourth round is sent at 0.9 s")
		load.For = 500 * ms
		seen, err = send(t.Context(), pipes{answer: 300 * ms}.client(), load)
		require.NoError(t, err)
		assert.Len(t, seen, 6, "there was no time for more")
	})
	assert.ErrorContains(t, Closed{Connections: 3, Requests: 2, For: time.Second, Request: orders}.Validate(),
		"load: 2 requests at most on 3 connections, want one for each at least")
}

// Each connection draws by itself, so that the sequence of each is the same however fast the others are.
func TestClosedLoopDrawsByConnection(t *testing.T) {
	sequences := func(answer time.Duration) map[string]string {
		all := map[string]string{}
		onFakeClock(t, func(t *testing.T) {
			seen, err := send(t.Context(), pipes{answer: answer}.client(), Closed{Connections: 3, For: 100 * answer, Request: orders})
			require.NoError(t, err)
			for connection, requests := range byConnection(seen) {
				require.Len(t, requests, 100)
				for _, r := range requests {
					all[connection] += r.Method + " "
				}
			}
		})
		return all
	}
	once := sequences(time.Millisecond)
	require.Len(t, once, 3)
	assert.Equal(t, once, sequences(7*time.Millisecond))
	assert.NotEqual(t, once["1-1"], once["1-2"])
}

// What a dry run can tell of a closed loop is how each connection begins.
func TestPlanOfAClosedLoop(t *testing.T) {
	load := Closed{Connections: 3, For: time.Second, Request: orders}
	var got []string
	for p := range load.Plan(42) {
		got = append(got, fmt.Sprintf("%s %s", p.ID, p.Due))
	}
	assert.Equal(t, []string{"16-1-1 0s", "16-2-1 0s", "16-3-1 0s"}, got)

	onFakeClock(t, func(t *testing.T) {
		seen, err := send(t.Context(), pipes{answer: time.Hour}.client(), load)
		require.NoError(t, err)
		first := map[string]string{}
		for _, r := range seen {
			first[r.ID] = r.Method + " " + r.Path
		}
		want := map[string]string{}
		for p := range load.Plan(1) {
			want[p.ID] = p.Method + " " + p.Path
		}
		assert.Equal(t, want, first)
	})
}

// The next request of a connection goes so long after its last answer as the sweep says; each gap comes once before any
// comes again, and is on the record.
func TestPhaseLocked(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		load := PhaseLocked{
			Connections: 2, Gaps: Sweep{From: 100 * ms, To: 300 * ms, Step: 50 * ms}, For: 2600 * ms, Request: GET("/orders"),
		}
		require.NoError(t, load.Validate())
		seen, err := send(t.Context(), pipes{answer: 50 * ms}.client(), load)
		require.NoError(t, err)
		orders := map[string]bool{}
		for _, requests := range byConnection(seen) {
			require.Len(t, requests, 11, "two rounds of a second and a quarter each, and the one before the first gap")
			var gaps []time.Duration
			for i, r := range requests {
				if i == 0 {
					assert.Zero(t, r.Gap)
					continue
				}
				assert.Equal(t, requests[i-1].Done+r.Gap, r.Due)
				assert.Equal(t, r.Due, r.Sent)
				gaps = append(gaps, r.Gap)
			}
			orders[fmt.Sprint(gaps)] = true
			for _, round := range [][]time.Duration{gaps[:5], gaps[5:10]} {
				round = slices.Sorted(slices.Values(round))
				assert.Equal(t, []time.Duration{100 * ms, 150 * ms, 200 * ms, 250 * ms, 300 * ms}, round)
			}
		}
		assert.Len(t, orders, 2, "each in an order of its own")
	})
}

// A gateway that ends idle connections after half a second is met by gaps on both sides of that, and the record tells which: what
// came later went over a new connection.
func TestPhaseLockFindsAnIdleTimeout(t *testing.T) {
	const idle = 500 * ms
	g := serve(t, func(p *peer) {
		for {
			_ = p.tcp.SetReadDeadline(time.Now().Add(idle))
			q, ok := p.request()
			if !ok {
				return
			}
			p.write(whole(q.id()))
		}
	})
	seen, err := send(t.Context(), clientTo(g.address), PhaseLocked{
		Connections: 4, Gaps: Sweep{From: 100 * ms, To: 900 * ms, Step: 800 * ms}, For: 2500 * ms, Request: GET("/orders"),
	})
	require.NoError(t, err)
	for _, r := range seen {
		switch r.Gap {
		case 100 * ms:
			assert.NotEqual(t, 1, r.Position)
			assert.Zero(t, r.Connected)
		case 900 * ms, 0:
			assert.Equal(t, 1, r.Position)
			assert.Greater(t, r.Connected, r.Begun)
			assert.LessOrEqual(t, r.Connected, r.Sent)
		}
	}
}

func TestWrongClosedLoops(t *testing.T) {
	get := GET("/")
	for want, l := range map[string]Load{
		"load: 0 connections, want at least 1 and at most 10000":     Closed{For: 1, Request: get},
		"load: 10001 connections, want at least 1 and at most 10000": Closed{Connections: 10001, For: 1, Request: get},
		"load: -1ns to think":                    Closed{Connections: 1, Think: -1, For: 1, Request: get},
		"load: for 0s, want a positive duration": Closed{Connections: 1, Request: get},
		"load: no request":                       Closed{Connections: 1, For: 1},
		"load: a closed loop says by itself how many connections there are":    Closed{Connections: 1, For: 1, Request: get, Use: Connections{AtMost: 3}},
		"load: gaps from 2s to 1s by 1s, want at least one and at most 10000":  PhaseLocked{Connections: 1, Gaps: Sweep{2 * time.Second, time.Second, time.Second}, For: 1, Request: get},
		"load: gaps from 0s to 1s by 0s, want at least one and at most 10000":  PhaseLocked{Connections: 1, Gaps: Sweep{To: time.Second}, For: 1, Request: get},
		"load: gaps from 0s to 1s by 1ns, want at least one and at most 10000": PhaseLocked{Connections: 1, Gaps: Sweep{0, time.Second, 1}, For: 1, Request: get},
		"load: nothing together": Together{},
		`load: stream "Control!", want a name of small letters and digits`: Together{{"Control!", Constant{Rate: 1, For: time.Second, Request: get}}},
		`load: two streams "a"`:              Together{{"a", single(get)}, {"a", single(get)}},
		`load: stream "a" sends nothing`:     Together{{"a", nil}},
		`load: stream "a" is several itself`: Together{{"a", Together{{"b", single(get)}}}},
		`stream "a": load: timeout -1ns`:     Together{{"a", Constant{Rate: 1, For: time.Second, Request: get, Timeout: -1}}},
		"load: one connection per request, so there is no limit to set to its requests or its age": Closed{Connections: 1, For: 1, Request: get, Use: perRequestWith(3)},
	} {
		t.Run(want, func(t *testing.T) { require.EqualError(t, l.Validate(), want) })
	}
	require.NoError(t, both("control").Validate())
}

func perRequestWith(limit int) Connections {
	c := PerRequest
	c.Requests = limit
	return c
}

func TestWordsOfClosedLoops(t *testing.T) {
	for want, l := range map[string]Load{
		"GET / on 1 connection for 1s":                                                    Closed{Connections: 1, For: time.Second, Request: GET("/")},
		"GET / on 8 connections, each 5ms after the answer before for 1s":                 Closed{Connections: 8, Think: 5 * ms, For: time.Second, Request: GET("/")},
		"GET / on 8 connections, each 1s to 2s by 100ms after the answer before for 1m0s": PhaseLocked{Connections: 8, Gaps: Sweep{time.Second, 2 * time.Second, 100 * ms}, For: time.Minute, Request: GET("/")},
	} {
		assert.Equal(t, want, l.String())
	}
}

// The main stream is sent as if it were alone, and the control stream beside it on connections of its own.
func TestTogether(t *testing.T) {
	main := Constant{Rate: 10, For: time.Second, Request: orders}
	control := Constant{Rate: 5, For: 2 * time.Second, Request: GET("/control")}
	load := Together{{Load: main}, {Name: "control", Load: control}}
	require.NoError(t, load.Validate())
	assert.Equal(t, 20, load.Count())
	assert.Equal(t, 2*time.Second, load.Lasts())
	once, again := written(load, 7), written(load, 7)
	assert.Equal(t, once, again)

	var alone []Planned
	last, planned := time.Duration(0), map[string]Planned{}
	for p := range load.Plan(1) {
		assert.GreaterOrEqual(t, p.Due, last, "in order")
		last, planned[p.ID] = p.Due, p
		if p.Stream == "" {
			alone = append(alone, p)
		}
	}
	assert.Equal(t, slices.Collect(main.Plan(1)), alone)
	require.Len(t, planned, 20, "no id twice")

	onFakeClock(t, func(t *testing.T) {
		client, turned := pipes{answer: 50 * ms}.client(), 0
		client.Sending = func(n int) { turned++; require.Equal(t, turned, n) }
		seen, err := send(t.Context(), client, load)
		require.NoError(t, err)
		require.Len(t, seen, 20)
		on := map[int]string{}
		for _, r := range seen {
			p := planned[r.ID]
			assert.Equal(t, p.Due, r.Due)
			assert.Equal(t, p.Stream, r.Stream)
			assert.Equal(t, p.Path, r.Path)
			if other, known := on[r.Connection]; known {
				assert.Equal(t, other, r.Stream, "no connection is shared")
			}
			on[r.Connection] = r.Stream
		}
		assert.Equal(t, map[int]string{1: on[1], 2: on[2]}, on)
	})
}

func TestPlanOfTogetherStopsWithItsReader(t *testing.T) {
	n := 0
	for range both("control").Plan(1) {
		n++
		break
	}
	assert.Equal(t, 1, n)
}

// With at most two connections a request waits for one that is free. Its latency counts from when it was due, and what it
// waited lies between Begun and Sent.
func TestAtMostSoManyConnections(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		load := everyTenth(1)
		load.Connections = Connections{AtMost: 2}
		seen, err := send(t.Context(), pipes{answer: 400 * ms}.client(), load)
		require.NoError(t, err)
		require.Len(t, seen, 10)
		for i, r := range seen {
			assert.LessOrEqual(t, r.Connection, 2)
			assert.Equal(t, r.Due, r.Begun, "the client turned to it in time")
			assert.Equal(t, time.Duration(i/2)*400*ms+time.Duration(i%2)*100*ms, r.Sent)
		}
	})
}

// A request for which no connection became free in time has timed out, or hung, as one that is not answered.
func TestNoConnectionIsFree(t *testing.T) {
	for _, test := range []struct {
		timeout time.Duration
		outcome record.Outcome
		done    func(time.Duration) time.Duration
		waited  int
	}{
		// The connections of the first ones are given up in time for the others.
		{3 * time.Second, record.TimedOut, after(3 * time.Second), 0},
		{0, record.Hung, runEnd, 6},
	} {
		onFakeClock(t, func(t *testing.T) {
			load := everyTenth(1)
			load.Connections, load.Timeout = Connections{AtMost: 4}, test.timeout
			seen, err := send(t.Context(), pipes{answer: time.Hour}.client(), load)
			require.NoError(t, err)
			require.Len(t, seen, 10)
			waited := 0
			for _, r := range seen {
				assert.Equal(t, test.outcome, r.Outcome)
				assert.Equal(t, test.done(r.Due), r.Done)
				if strings.HasPrefix(r.Detail, "none of 4 connections was free") {
					waited++
				}
			}
			assert.Equal(t, test.waited, waited)
		})
	}
}

func TestLimitsOfAConnection(t *testing.T) {
	for name, test := range map[string]struct {
		use    Connections
		opened int
	}{
		"none":             {KeepAlive, 1},
		"requests":         {Connections{Requests: 4}, 5},
		"one request":      {Connections{Requests: 1}, 20},
		"age":              {Connections{Age: 450 * ms}, 4}, // each at 0, 100, ..., 400 ms of its life
		"age and requests": {Connections{Age: 450 * ms, Requests: 2}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			onFakeClock(t, func(t *testing.T) {
				load := everyTenth(2)
				load.Connections = test.use
				seen, err := send(t.Context(), pipes{}.client(), load)
				require.NoError(t, err)
				require.Len(t, seen, 20)
				assert.Equal(t, test.opened, seen[19].Connection)
			})
		})
	}
}

// A client that slept until after the end of the run owes what it did not send: each request is on the record, with the
// words for it, and none is lost.
func TestWhatCouldNotBeSentIsOnTheRecord(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		client, turned := pipes{}.client(), 0
		client.Sending = func(n int) {
			if turned = n; n == 4 {
				time.Sleep(time.Second + patience)
			}
		}
		seen, err := send(t.Context(), client, everyTenth(1))
		require.NoError(t, err)
		assert.Equal(t, 10, turned)
		require.ElementsMatch(t, planned(everyTenth(1)), ids(seen))
		for _, r := range seen {
			switch r.ID {
			case "1-1", "1-2", "1-3":
				assert.Equal(t, record.Complete, r.Outcome, r.Detail)
			case "1-4":
				assert.True(t, r.Failed(), "it was begun")
			default:
				assert.Equal(t, record.Dropped, r.Outcome, r.Detail)
				assert.False(t, r.Failed(), "the gateway has not")
				assert.Greater(t, r.Begun, runEnd(0))
			}
		}
	})
}

// The instants of an exchange, told apart: to connect took 3 s, the answer came 5 s later, its body in two halves.
func TestInstants(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		g := pipes{connect: 3 * time.Second, answer: 5 * time.Second, pause: time.Second}
		load := Constant{Rate: 0.01, For: 200 * time.Second, Request: GET("/orders")}
		seen, err := send(t.Context(), g.client(), load)
		require.NoError(t, err)
		require.Len(t, seen, 2)
		at := func(r record.Request) []time.Duration {
			return []time.Duration{r.Due, r.Begun, r.Connected, r.Sent, r.FirstByte, r.LastByte, r.Done}
		}
		s := time.Second
		assert.Equal(t, []time.Duration{0, 0, 3 * s, 3 * s, 8 * s, 9 * s, 9 * s}, at(seen[0]))
		assert.Equal(t, []time.Duration{100 * s, 100 * s, 0, 100 * s, 105 * s, 106 * s, 106 * s}, at(seen[1]))
	})
}

// An answer that stops in its middle has a last byte long before its end.
func TestLastByteOfAnAnswerThatHangs(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		client := clientTo("gateway:80")
		client.Dial = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				_, _ = theirs.Read(make([]byte, 4096))
				time.Sleep(time.Second)
				_, _ = theirs.Write([]byte("HTTP/1.1 200 OK\r\n"))
				time.Sleep(time.Hour)
			}()
			return ours, nil
		}
		seen, err := send(t.Context(), client, single(GET("/")))
		require.NoError(t, err)
		require.Len(t, seen, 1)
		assert.Equal(t, record.Hung, seen[0].Outcome)
		assert.Equal(t, time.Second, seen[0].LastByte)
		assert.Greater(t, seen[0].Done, patience)
	})
}

// A run that is broken off leaves no connection of a closed loop behind either.
func TestClosedLoopBreaksOff(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(950*ms, cancel)
		seen, err := send(ctx, pipes{answer: 100 * ms}.client(), Closed{Connections: 2, For: time.Hour, Request: GET("/")})
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, seen, 20)
		for _, r := range seen[18:] {
			assert.Equal(t, record.Hung, r.Outcome)
			assert.Equal(t, 950*ms, r.Done)
		}
	})
}

// Every kind of request goes through a raw server and back, key and lines and all.
func TestMixOfEverything(t *testing.T) {
	mix := Mix{
		GET("/orders"), POST("/orders"),
		{Method: "HEAD", Path: "/orders", Answer: 128},
		{Method: "GET", Path: "/search", Body: 300, Answer: 128},
		{Method: "POST", Path: "/orders", IdempotencyKey: true, Answer: 128},
		{Method: "PUT", Path: "/orders/1", Body: 20_000, Chunked: true},
		{Method: "DELETE", Path: "/orders/1", Header: []string{"X-Reason: none", "Accept: */*"}},
		{Method: "PATCH", Path: "/orders/1", Body: 10, IdempotencyKey: true},
	}
	keys, lines := make(chan string, 1000), make(chan string, 1000)
	g := serve(t, func(p *peer) {
		for {
			q, ok := p.request()
			if !ok {
				return
			}
			if key := q.Get("Idempotency-Key"); key != "" {
				assert.Equal(t, q.id(), key)
				keys <- key
			}
			if q.Start[0] == "DELETE" {
				lines <- q.Get("X-Reason") + q.Get("Accept")
			}
			assert.True(t, q.Intact(q.Head))
			answer := whole(q.id())
			if q.Start[0] == "HEAD" {
				answer = strings.TrimSuffix(answer, "hello "+q.id())
			}
			p.write(answer)
		}
	})
	load := Constant{Rate: 1000, For: 400 * ms, Request: mix}
	seen, err := send(t.Context(), clientTo(g.address), load)
	require.NoError(t, err)
	var keyed []string
	deletes := 0
	for _, r := range seen {
		assert.Equal(t, record.Complete, r.Outcome, r.Detail)
		if r.Key {
			keyed = append(keyed, r.ID)
		}
		if r.Method == "DELETE" {
			deletes++
			assert.Equal(t, "none*/*", <-lines)
		}
	}
	close(keys)
	var came []string
	for key := range keys {
		came = append(came, key)
	}
	assert.ElementsMatch(t, keyed, came)
	assert.Positive(t, deletes)
	assert.NotEmpty(t, keyed)
}

// Streams that are drawn by chance are drawn each for itself.
func TestStreamsAreDueApart(t *testing.T) {
	t.Parallel()
	poisson := Poisson{Rate: 10, For: 2 * time.Second, Request: GET("/orders")}
	due := map[string][]time.Duration{}
	for p := range (Together{{"a", poisson}, {"b", poisson}}).Plan(1) {
		due[p.Stream] = append(due[p.Stream], p.Due)
	}
	assert.NotEmpty(t, due["a"])
	assert.NotEqual(t, due["a"], due["b"])
}
