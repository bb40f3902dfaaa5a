package load

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/victim"
)

func TestRuleValidate(t *testing.T) {
	for name, test := range map[string]struct {
		rule Rule
		want string // the whole message; empty for a valid rule
	}{
		"abort while waiting":   {Rule{Do: AbortWhileWaiting, After: time.Second, By: FIN}, ""},
		"abort at once":         {Rule{Do: AbortWhileWaiting, By: RST}, ""},
		"abort upload":          {Rule{Do: AbortUpload, By: RST}, ""},
		"abort upload at":       {Rule{Do: AbortUpload, Byte: 7, By: FIN}, ""},
		"abort download":        {Rule{Do: AbortDownload, Byte: 7, By: FIN}, ""},
		"slow upload":           {Rule{Do: SlowUpload, Rate: 1}, ""},
		"slow reader":           {Rule{Do: SlowReader, Rate: 1 << 20}, ""},
		"half close":            {Rule{Do: HalfClose}, ""},
		"with victims":          {Rule{Do: HalfClose, Of: victim.Choice{Way: victim.NthConnection, N: 2}}, ""},
		"unknown behaviour":     {Rule{Do: "sulk"}, `rule x: unknown behaviour "sulk"`},
		"no behaviour":          {Rule{}, `rule x: unknown behaviour ""`},
		"no end":                {Rule{Do: AbortUpload}, `rule x: unknown end "", want fin or rst`},
		"an end of the backend": {Rule{Do: AbortUpload, By: "hang"}, `rule x: unknown end "hang", want fin or rst`},
		"an end of no use":      {Rule{Do: HalfClose, By: FIN}, "rule x: by cannot be said of half close"},
		"negative time":         {Rule{Do: AbortWhileWaiting, After: -1, By: FIN}, "rule x: after -1ns, want no negative time"},
		"negative byte":         {Rule{Do: AbortUpload, Byte: -1, By: FIN}, "rule x: byte -1, want no negative number"},
		"no rate":               {Rule{Do: SlowReader}, "rule x: 0 bytes per second, want 1 or more"},
		"negative rate":         {Rule{Do: SlowUpload, Rate: -5}, "rule x: -5 bytes per second, want 1 or more"},
		"everything else's": {
			Rule{Do: SlowUpload, Rate: 1, After: 1, Byte: 1, By: RST},
			"rule x: after cannot be said of slow upload\nrule x: byte cannot be said of slow upload\nrule x: by cannot be said of slow upload",
		},
		"wrong victims": {
			Rule{Do: HalfClose, Of: victim.Choice{Way: victim.NthRequest}},
			"rule x: victims: nth request with n = 0, want 1 or more",
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.rule.ID = "x"
			err := test.rule.Validate()
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.want)
		})
	}
	require.EqualError(t, Rule{Do: HalfClose}.Validate(), "rule : without an id")
}

func TestScript(t *testing.T) {
	var s Script
	require.EqualError(t, s.Add(Rule{ID: "a"}), `client: rule a: unknown behaviour ""`)
	require.NoError(t, s.Add(Rule{ID: "a", Do: HalfClose}), "what was refused is not known")
	require.EqualError(t, s.Add(Rule{ID: "a", Do: HalfClose}), "client: rule a is already known")
	s.Lift("a")
	s.Lift("a")
	require.EqualError(t, s.Add(Rule{ID: "a", Do: HalfClose}), "client: rule a is already known", "one id is one injection")

	s.Lift("late")
	require.EqualError(t, s.Add(Rule{ID: "late", Do: HalfClose}), "client: rule late is already known")
	receipt, err := s.Receipt("late")
	require.NoError(t, err)
	require.Equal(t, record.Receipt{Replica: "client"}, receipt)
	_, err = s.Receipt("b")
	require.EqualError(t, err, "client: rule b is not known")
}

// The one has a body, the other has not.
var (
	uploading = Request{Method: "POST", Path: "/orders", Body: 100, Answer: 128}
	asking    = Request{Method: "GET", Path: "/orders/7", Answer: 128}
)

// The first rule that chooses a request has it. A request that a behaviour cannot touch at all is not counted by its rule.
func TestVictims(t *testing.T) {
	nth := func(n int) victim.Choice { return victim.Choice{Way: victim.NthRequest, N: n} }
	for name, test := range map[string]struct {
		rules    []Rule
		requests []Request
		want     []string // the id of the rule that touches each request
	}{
		"all": {
			[]Rule{{ID: "a", Do: HalfClose}}, []Request{asking, uploading}, []string{"a", "a"},
		},
		"by method": {
			[]Rule{{ID: "a", Do: HalfClose, Of: victim.Choice{}.OfMethod("POST")}},
			[]Request{asking, uploading, asking, uploading},
			[]string{"", "a", "", "a"},
		},
		"by path": {
			[]Rule{{ID: "a", Do: HalfClose, Of: victim.Choice{}.OfPath("/orders/*")}},
			[]Request{asking, uploading},
			[]string{"a", ""},
		},
		"the nth": {
			[]Rule{{ID: "a", Do: HalfClose, Of: nth(2)}}, []Request{asking, asking, asking, asking}, []string{"", "a", "", ""},
		},
		"the nth that has a body": {
			[]Rule{{ID: "a", Do: AbortUpload, By: FIN, Of: nth(2)}},
			[]Request{asking, uploading, asking, asking, uploading, uploading},
			[]string{"", "", "", "", "a", ""},
		},
		"the nth whose answer has a body": {
			[]Rule{{ID: "a", Do: AbortDownload, By: FIN, Of: nth(1)}},
			[]Request{{Method: "HEAD", Path: "/"}, asking},
			[]string{"", "a"},
		},
		"of two rules": {
			[]Rule{{ID: "a", Do: HalfClose, Of: nth(2)}, {ID: "b", Do: AbortUpload, By: RST}},
			[]Request{uploading, uploading, asking, uploading},
			[]string{"b", "a", "", "b"},
		},
		"what the first has is not met by the second": {
			[]Rule{{ID: "a", Do: HalfClose, Of: nth(1)}, {ID: "b", Do: HalfClose, Of: nth(1)}},
			[]Request{asking, asking, asking},
			[]string{"a", "b", ""},
		},
		"the second connection": { // each half close ends one
			[]Rule{
				{ID: "a", Do: HalfClose, Of: nth(2)},
				{ID: "b", Do: AbortDownload, By: FIN, Of: victim.Choice{Way: victim.NthConnection, N: 2}},
			},
			[]Request{asking, asking, asking, asking},
			[]string{"", "a", "b", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := serve(t, func(p *peer) {
				for {
					q, ok := p.request()
					if !ok {
						return
					}
					answer := whole(q.id())
					if q.Start[0] == "HEAD" {
						answer = head("200 OK", framed(""))
					}
					p.write(answer)
				}
			})
			s := step(t, g.address, KeepAlive)
			s.Script = &Script{}
			for _, r := range test.rules {
				require.NoError(t, s.Script.Add(r))
			}
			touched := map[string]int{}
			for i, request := range test.requests {
				r := s.next(t, request)
				assert.Equal(t, test.want[i], r.Injection, "request %d", i+1)
				assert.False(t, r.Failed(), r.Detail)
				touched[r.Injection]++
			}
			for _, r := range test.rules {
				receipt, err := s.Script.Receipt(r.ID)
				require.NoError(t, err)
				assert.Equal(t, touched[r.ID], receipt.Requests)
			}
		})
	}
}

// The same schedule has the same victims among its requests, however many of them are under way at once.
func TestVictimsDependOnTheScheduleAlone(t *testing.T) {
	load := Constant{Rate: 2000, For: 100 * time.Millisecond, Request: Mix{asking, uploading}}
	var first []string
	for range 3 {
		client := clientTo(serve(t, answerAll).address)
		client.Script = &Script{}
		require.NoError(t, client.Script.Add(Rule{
			ID: "the id", Do: HalfClose, Of: victim.Choice{Way: victim.EveryRequest, N: 3, Method: "POST", After: 5, AtMost: 20},
		}))
		seen, err := send(t.Context(), client, load)
		require.NoError(t, err)
		var victims []string
		for _, r := range seen {
			assert.Equal(t, record.Complete, r.Outcome, r.Detail)
			if r.Injection != "" {
				victims = append(victims, r.ID)
			}
		}
		slices.Sort(victims)
		if first == nil {
			first = victims
		}
		assert.Len(t, victims, 20)
		assert.Equal(t, first, victims)
		requireReceipt(t, client.Script, 20, 0)
	}
}

// While rules of every behaviour come and go under a full load, each receipt says exactly what the records say, and
// whoever is no victim is served as ever.
func TestReceiptsAreTheRecords(t *testing.T) {
	client := clientTo(serve(t, answerAll).address)
	client.Script = &Script{}
	done := make(chan struct{})
	var (
		rules sync.WaitGroup
		added int
	)
	rules.Go(func() {
		for {
			for _, r := range everyBehaviour() {
				r.After, r.Rate = 0, r.Rate*100
				r.Of = victim.Choice{Way: victim.ShareOfRequests, Share: 0.3, Seed: uint64(added)}
				if added%2 == 1 {
					r.Of = victim.Choice{Way: victim.EveryConnection, N: 2}
				}
				r.ID = strconv.Itoa(added)
				assert.NoError(t, client.Script.Add(r))
				added++
				if added > 3 {
					client.Script.Lift(strconv.Itoa(added - 3))
				}
				select {
				case <-time.After(5 * time.Millisecond): // the rules come and go at some pace
				case <-done:
					return
				}
			}
		}
	})
	seen, err := send(t.Context(), client, Constant{Rate: 2000, For: time.Second, Request: Mix{asking, uploading}})
	close(done)
	rules.Wait()
	require.NoError(t, err)

	requests, connections := map[string]int{}, map[string]int{}
	for _, r := range seen {
		if r.Outcome == record.Aborted {
			connections[r.Injection]++
		} else {
			assert.Equal(t, record.Complete, r.Outcome, "%s: %s", r.Injection, r.Detail)
		}
		requests[r.Injection]++
	}
	total := 0
	for i := range added {
		id := strconv.Itoa(i)
		receipt, err := client.Script.Receipt(id)
		require.NoError(t, err)
		assert.Equal(t, record.Receipt{Replica: "client", Requests: requests[id], Connections: connections[id]}, receipt)
		total += receipt.Requests
	}
	assert.Equal(t, len(seen)-requests[""], total)
	assert.Greater(t, total, 100)
	assert.Greater(t, requests[""], 100)
	t.Logf("%d rules touched %d of %d requests", added, total, len(seen))
}

// The client says which request it turns to, in order, before it sends it.
func TestSending(t *testing.T) {
	g := serve(t, answerAll)
	client := clientTo(g.address)
	var turned []int
	client.Sending = func(n int) {
		turned = append(turned, n)
		assert.Less(t, len(g.came()), n, "it has not been sent")
	}
	load := Constant{Rate: 1000, For: 50 * time.Millisecond, Request: GET("/orders")}
	seen, err := send(t.Context(), client, load)
	require.NoError(t, err)
	require.Len(t, seen, 50)
	require.Len(t, turned, 50)
	for i, n := range turned {
		assert.Equal(t, i+1, n)
	}
}

// A rule that is put in force when the client turns to a request has that request, and not the one at which it is lifted.
func TestRuleFromARequestOn(t *testing.T) {
	onFakeClock(t, func(t *testing.T) {
		client := pipes{}.client()
		client.Script = &Script{}
		client.Sending = func(n int) {
			switch n {
			case 10:
				assert.NoError(t, client.Script.Add(Rule{ID: "the id", Do: AbortUpload, By: FIN}))
			case 20:
				client.Script.Lift("the id")
			}
		}
		load := everyTenth(3)
		load.Request = uploading
		seen, err := send(t.Context(), client, load)
		require.NoError(t, err)
		require.Len(t, seen, 30)
		for i, r := range seen {
			assert.Equal(t, i+1 >= 10 && i+1 < 20, r.Outcome == record.Aborted, "request %d", i+1)
		}
		requireReceipt(t, client.Script, 10, 10)
	})
}
