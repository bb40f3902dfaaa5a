package victim

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// chosen lets twelve requests, POST and GET in turn, three to a connection, meet a choice, and returns the victims.
func chosen(c Choice) []int {
	chooser := NewChooser(c)
	var victims []int
	for i := range 12 {
		m := Meeting{ID: fmt.Sprint("r", i+1), Method: []string{"POST", "GET"}[i%2], Path: "/orders/1", Connection: 40 + i/3}
		if chooser.Choose(m) {
			victims = append(victims, i+1)
		}
	}
	return victims
}

func TestChoose(t *testing.T) {
	for name, test := range map[string]struct {
		choice Choice
		want   []int
	}{
		"all":                   {Choice{}, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
		"nth request":           {Choice{Way: NthRequest, N: 5}, []int{5}},
		"every request":         {Choice{Way: EveryRequest, N: 5}, []int{5, 10}},
		"first attempts":        {Choice{Way: FirstAttempts, N: 1}.UpTo(2), []int{1, 2}},
		"nth connection":        {Choice{Way: NthConnection, N: 2}, []int{4, 5, 6}},
		"every connection":      {Choice{Way: EveryConnection, N: 2}, []int{4, 5, 6, 10, 11, 12}},
		"of a method":           {Choice{}.OfMethod("POST"), []int{1, 3, 5, 7, 9, 11}},
		"every of a method":     {Choice{Way: EveryRequest, N: 2}.OfMethod("GET"), []int{4, 8, 12}},
		"of a path":             {Choice{}.OfPath("/orders/*").UpTo(1), []int{1}},
		"of another path":       {Choice{}.OfPath("/carts"), nil},
		"after the first":       {Choice{}.AfterFirst(10), []int{11, 12}},
		"after connections":     {Choice{Way: EveryConnection, N: 1}.AfterFirst(3), []int{10, 11, 12}},
		"at most":               {Choice{}.UpTo(2), []int{1, 2}},
		"after, every, at most": {Choice{Way: EveryRequest, N: 3}.AfterFirst(2).UpTo(2), []int{5, 8}},
		"everybody's share":     {Choice{Way: ShareOfRequests, Share: 1}.UpTo(3), []int{1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, test.choice.Validate())
			assert.Equal(t, test.want, chosen(test.choice))
		})
	}
}

// The first attempts of each request, whatever comes between them.
func TestFirstAttempts(t *testing.T) {
	chooser := NewChooser(Choice{Way: FirstAttempts, N: 2})
	var victims []bool
	for _, id := range []string{"a", "b", "a", "a", "b", "b"} {
		victims = append(victims, chooser.Choose(Meeting{ID: id}))
	}
	assert.Equal(t, []bool{true, true, true, false, true, false}, victims)
}

// A share is the same for the same seed in any order, another one for another seed, and as large as it says.
func TestShares(t *testing.T) {
	const n = 20_000
	draw := func(seed uint64, way Way, backwards bool) (victims map[int]bool) {
		victims = map[int]bool{}
		chooser := NewChooser(Choice{Way: way, Share: 0.1, Seed: seed})
		for i := range n {
			if backwards {
				i = n - 1 - i
			}
			if chooser.Choose(Meeting{ID: fmt.Sprint(i), Connection: i}) {
				victims[i] = true
			}
		}
		return victims
	}
	for _, way := range []Way{ShareOfRequests, ShareConnections} {
		one := draw(1, way, false)
		assert.InDelta(t, n/10, len(one), 5*42.4, "5 standard deviations of a binomial, %s", way) // sqrt(20000 * 0.1 * 0.9)
		assert.Equal(t, one, draw(1, way, false))
		assert.NotEqual(t, one, draw(2, way, false))
	}
	assert.Equal(t, draw(1, ShareOfRequests, false), draw(1, ShareOfRequests, true), "by id, not by order")
}

// A second attempt of a victim has the same chances as any other.
func TestShareOfAttempts(t *testing.T) {
	chooser := NewChooser(Choice{Way: ShareOfRequests, Share: 0.5, Seed: 3})
	first, both := 0, 0
	for i := range 10_000 {
		m := Meeting{ID: fmt.Sprint(i)}
		if chooser.Choose(m) {
			first++
			if chooser.Choose(m) {
				both++
			}
		}
	}
	assert.InDelta(t, first/2, both, 180)
}

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		choice Choice
		want   string
	}{
		"share of nothing":     {Choice{Way: ShareOfRequests}, "victims: a share of 0, want more than 0 and at most 1"},
		"more than all":        {Choice{Way: ShareConnections, Share: 1.5}, "victims: a share of 1.5, want more than 0 and at most 1"},
		"the zeroth":           {Choice{Way: NthRequest}, "victims: nth request with n = 0, want 1 or more"},
		"unknown":              {Choice{Way: "some"}, `victims: unknown way "some"`},
		"a number for all":     {Choice{N: 3}, "victims: a number without a way to choose"},
		"a number and a share": {Choice{Way: ShareOfRequests, Share: 0.1, N: 1}, "victims: a number beside a share"},
		"a share and a number": {Choice{Way: NthRequest, Share: 0.1, N: 1}, "victims: a share beside a number"},
		"everything": {
			Choice{Method: "get", Path: "[", After: -1},
			"victims: method \"get\"\nvictims: path \"[\" is no pattern\nvictims: path \"[\" must begin with /\n" +
				"victims: after -1, at most 0: want no negative numbers",
		},
	} {
		t.Run(name, func(t *testing.T) { require.EqualError(t, test.choice.Validate(), test.want) })
	}
}

func TestString(t *testing.T) {
	for want, choice := range map[string]Choice{
		"":                                {},
		"request 5":                       {Way: NthRequest, N: 5},
		"every 3. connection":             {Way: EveryConnection, N: 3},
		"0.5 % of requests, POST /orders": Choice{Way: ShareOfRequests, Share: 0.005}.OfMethod("POST").OfPath("/orders"),
		"the first 2 attempts of each request, after the first 10, at most 7": Choice{
			Way: FirstAttempts, N: 2,
		}.AfterFirst(10).UpTo(7),
	} {
		assert.Equal(t, want, choice.String())
	}
}

// A choice travels to the backend as JSON.
func TestJSON(t *testing.T) {
	want := Choice{Way: ShareOfRequests, Share: 0.1, Method: "GET", Path: "/x", After: 1, AtMost: 2, Seed: 1 << 60}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	var got Choice
	require.NoError(t, json.Unmarshal(text, &got))
	assert.Equal(t, want, got)
}
