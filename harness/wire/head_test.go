package wire_test

import (
	"bufio"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/wire"
)

func TestReadRequestHead(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want wire.Head
	}{
		"no fields": {
			"GET / HTTP/1.1\r\n\r\n",
			wire.Head{Start: [3]string{"GET", "/", "HTTP/1.1"}},
		},
		"HTTP/1.0": {
			"HEAD /orders?id=1 HTTP/1.0\r\n\r\n",
			wire.Head{Start: [3]string{"HEAD", "/orders?id=1", "HTTP/1.0"}},
		},
		"fields in their order, repeated ones too": {
			"POST /orders HTTP/1.1\r\nHost: a\r\nVia: x\r\nVia: y\r\n\r\n",
			wire.Head{
				Start:  [3]string{"POST", "/orders", "HTTP/1.1"},
				Fields: []wire.Field{{"Host", "a"}, {"Via", "x"}, {"Via", "y"}},
			},
		},
		"lines that end with a bare line feed": {
			"GET / HTTP/1.1\nHost: a\n\n",
			wire.Head{Start: [3]string{"GET", "/", "HTTP/1.1"}, Fields: []wire.Field{{"Host", "a"}}},
		},
		"white space around a value": {
			"GET / HTTP/1.1\r\nHost:\t a b \t\r\n\r\n",
			wire.Head{Start: [3]string{"GET", "/", "HTTP/1.1"}, Fields: []wire.Field{{"Host", "a b"}}},
		},
		"empty value, and a colon in a value": {
			"GET / HTTP/1.1\r\nAccept:\r\nHost: a:80\r\n\r\n",
			wire.Head{Start: [3]string{"GET", "/", "HTTP/1.1"}, Fields: []wire.Field{{"Accept", ""}, {"Host", "a:80"}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := reader(test.text + "next")
			got, err := wire.ReadRequestHead(r)
			require.NoError(t, err)
			assert.Equal(t, test.want.Start, got.Start)
			assert.Equal(t, test.want.Fields, append([]wire.Field(nil), got.Fields...))
			assert.Equal(t, "next", rest(t, r), "the head was read and nothing else")
		})
	}
}

// A head that is used again says what it was read from last, and nothing of what was there before.
func TestHeadThatIsUsedAgain(t *testing.T) {
	r := reader("POST /a HTTP/1.0\r\nA: 1\r\nB: 2\r\n\r\nGET /b HTTP/1.1\r\nC: 3\r\n\r\nGET / HTTP/1.1\r\n\r\n")
	var head wire.Head
	require.NoError(t, head.ReadRequest(r))
	method, value := head.Start[0], head.Get("A")
	require.NoError(t, head.ReadRequest(r))
	assert.Equal(t, wire.Head{Start: [3]string{"GET", "/b", "HTTP/1.1"}, Fields: []wire.Field{{"C", "3"}}}, head)
	assert.Equal(t, []string{"POST", "1"}, []string{method, value}, "what was taken from it stays")
	require.NoError(t, head.ReadRequest(r))
	assert.Empty(t, head.Fields)
	assert.Equal(t, io.EOF, head.ReadRequest(r))
}

func TestReadResponseHead(t *testing.T) {
	for name, test := range map[string]struct {
		text   string
		status int
		start  [3]string
	}{
		"with a reason":            {"HTTP/1.1 502 Bad Gateway\r\n\r\n", 502, [3]string{"HTTP/1.1", "502", "Bad Gateway"}},
		"empty reason":             {"HTTP/1.1 200 \r\n\r\n", 200, [3]string{"HTTP/1.1", "200", ""}},
		"without the second space": {"HTTP/1.1 200\r\n\r\n", 200, [3]string{"HTTP/1.1", "200", ""}},
		"HTTP/1.0":                 {"HTTP/1.0 204 No Content\r\n\r\n", 204, [3]string{"HTTP/1.0", "204", "No Content"}},
		"interim":                  {"HTTP/1.1 100 Continue\r\n\r\n", 100, [3]string{"HTTP/1.1", "100", "Continue"}},
		"unregistered status":      {"HTTP/1.1 999 What\r\n\r\n", 999, [3]string{"HTTP/1.1", "999", "What"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := reader(test.text + "next")
			got, err := wire.ReadResponseHead(r)
			require.NoError(t, err)
			assert.Equal(t, test.status, got.Status())
			assert.Equal(t, test.start, got.Start)
			assert.Equal(t, "next", rest(t, r), "the head was read and nothing else")
		})
	}
}

// An interim answer is a head of its own: the final one follows it.
func TestInterimAndFinalHeadsFollowEachOther(t *testing.T) {
	r := reader("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
	for _, want := range []int{100, 103, 200} {
		head, err := wire.ReadResponseHead(r)
		require.NoError(t, err)
		assert.Equal(t, want, head.Status())
	}
	_, err := wire.ReadResponseHead(r)
	assert.Equal(t, io.EOF, err, "between two messages an orderly end is just that")
}

func TestGetAndHas(t *testing.T) {
	head, err := wire.ReadRequestHead(reader(
		"GET / HTTP/1.1\r\nConnection: Keep-Alive , close\r\nX-A: first\r\nconnection: te\r\nx-a: second\r\nX-Empty:\r\n\r\n"))
	require.NoError(t, err)

	assert.Equal(t, "first", head.Get("x-A"), "the first of that name, in any case")
	assert.Empty(t, head.Get("X-Empty"))
	assert.Empty(t, head.Get("X-Absent"))

	for _, token := range []string{"keep-alive", "Close", "TE"} {
		assert.True(t, head.Has("Connection", token), token)
	}
	for _, token := range []string{"clos", "keep", "first", ""} {
		assert.False(t, head.Has("Connection", token), token)
	}
}

func TestMalformedRequestHeads(t *testing.T) {
	for name, text := range map[string]string{
		"empty line":                 "\r\n\r\n",
		"one word":                   "GET\r\n\r\n",
		"no version":                 "GET /\r\n\r\n",
		"no target":                  "GET  HTTP/1.1\r\n\r\n",
		"no method":                  " / HTTP/1.1\r\n\r\n",
		"space in the target":        "GET /a b HTTP/1.1\r\n\r\n",
		"HTTP/2":                     "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"no minor version":           "GET / HTTP/1.\r\n\r\n",
		"words after the version":    "GET / HTTP/1.1 and more\r\n\r\n",
		"lower-case protocol":        "GET / http/1.1\r\n\r\n",
		"TLS on a plain port":        "\x16\x03\x01\x02\x00\x01\n\n",
		"field without a colon":      "GET / HTTP/1.1\r\nHost\r\n\r\n",
		"field without a name":       "GET / HTTP/1.1\r\n: a\r\n\r\n",
		"space before the colon":     "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
		"folded field":               "GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n",
		"tab in a name":              "GET / HTTP/1.1\r\nHo\tst: a\r\n\r\n",
		"bare carriage return ended": "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := wire.ReadRequestHead(reader(text))
			assert.ErrorIs(t, err, wire.ErrMalformed)
		})
	}
}

func TestMalformedResponseHeads(t *testing.T) {
	for name, text := range map[string]string{
		"empty line":              "\r\n\r\n",
		"no status":               "HTTP/1.1\r\n\r\n",
		"status of two digits":    "HTTP/1.1 99 Odd\r\n\r\n",
		"status of four digits":   "HTTP/1.1 2000 OK\r\n\r\n",
		"status under 100":        "HTTP/1.1 099 Odd\r\n\r\n",
		"status with a sign":      "HTTP/1.1 +20 OK\r\n\r\n",
		"status of letters":       "HTTP/1.1 abc OK\r\n\r\n",
		"two spaces":              "HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/2":                  "HTTP/2 200\r\n\r\n",
		"no minor version":        "HTTP/1. 200 OK\r\n\r\n",
		"two digits of version":   "HTTP/1.10 200 OK\r\n\r\n",
		"letter in the version":   "HTTP/1.x 200 OK\r\n\r\n",
		"another protocol":        "ICY 200 OK\r\n\r\n",
		"a page without a head":   "<html>\n<body>502 Bad Gateway</body>\n</html>\n\n",
		"field without a colon":   "HTTP/1.1 200 OK\r\nServer\r\n\r\n",
		"space before the colon":  "HTTP/1.1 200 OK\r\nServer : a\r\n\r\n",
		"folded field":            "HTTP/1.1 200 OK\r\nServer: a\r\n\tb\r\n\r\n",
		"line feed in the middle": "HTTP/1.1 200\nOK\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := wire.ReadResponseHead(reader(text))
			assert.ErrorIs(t, err, wire.ErrMalformed)
		})
	}
}

// Whoever answers something else than HTTP/1 owes no empty line after it: waiting for one would turn a malformed answer
// into one that is truncated, if the connection then ends, or into one that never comes.
func TestStartLineIsJudgedBeforeTheRestArrives(t *testing.T) {
	_, err := wire.ReadResponseHead(reader("<html>502 Bad Gateway</html>\n"))
	assert.ErrorIs(t, err, wire.ErrMalformed)

	_, err = wire.ReadRequestHead(bufio.NewReader(breaksAfter("HELO example\r\n")))
	assert.ErrorIs(t, err, wire.ErrMalformed)
}

func TestHeadSizeIsLimited(t *testing.T) {
	const start, field, end = "GET / HTTP/1.1\r\n", "X-Long: \r\n", "\r\n"
	room := wire.MaxHead - len(start) - len(field) - len(end)
	long := func(n int) string { return start + "X-Long: " + strings.Repeat("x", n) + "\r\n" + end }

	t.Run("as long as allowed", func(t *testing.T) {
		head, err := wire.ReadRequestHead(reader(long(room)))
		require.NoError(t, err)
		assert.Len(t, head.Get("X-Long"), room)
	})
	for name, text := range map[string]string{
		"one byte longer":           long(room + 1),
		"start line without an end": strings.Repeat("x", wire.MaxHead+1),
		"field without an end":      start + "X-Long: " + strings.Repeat("x", wire.MaxHead),
		"too many short fields":     start + strings.Repeat("a: b\r\n", wire.MaxHead/6),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := wire.ReadRequestHead(reader(text))
			assert.ErrorIs(t, err, wire.ErrMalformed)
		})
	}
}
