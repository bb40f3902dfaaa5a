package wire_test

import (
	"bufio"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/wire"
)

// response reads a whole response to a request with that method.
func response(r *bufio.Reader, method string) (*wire.Head, wire.Body, error) {
	head, err := wire.ReadResponseHead(r)
	if err != nil {
		return nil, wire.Body{}, err
	}
	body, err := wire.ReadResponseBody(r, head, method)
	return head, body, err
}

// request reads a whole request.
func request(r *bufio.Reader) (*wire.Head, wire.Body, error) {
	head, err := wire.ReadRequestHead(r)
	if err != nil {
		return nil, wire.Body{}, err
	}
	body, err := wire.ReadRequestBody(r, head)
	return head, body, err
}

// Everything after the part named "body" stays unread: it belongs to the next message.
func TestFraming(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	const hello = "5\r\nhello\r\n"
	for name, test := range map[string]struct {
		text, method string
		body, left   string
		untilClose   bool
	}{
		"content length":          {text: ok + "Content-Length: 5\r\n\r\nhellonext", body: "hello", left: "next"},
		"content length 0":        {text: ok + "Content-Length: 0\r\n\r\nnext", left: "next"},
		"content length, twice":   {text: ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", body: "hello"},
		"until close":             {text: ok + "\r\nhello", body: "hello", untilClose: true},
		"until close, empty":      {text: ok + "\r\n", untilClose: true},
		"chunked":                 {text: ok + "Transfer-Encoding: chunked\r\n\r\n" + hello + "6\r\n world\r\n0\r\n\r\nnext", body: "hello world", left: "next"},
		"chunked, empty":          {text: ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nnext", left: "next"},
		"chunked, in capitals":    {text: ok + "TRANSFER-ENCODING: Chunked\r\n\r\n" + hello + "0\r\n\r\n", body: "hello"},
		"chunked, hexadecimal":    {text: ok + "Transfer-Encoding: chunked\r\n\r\n0000A\r\n0123456789\r\na\r\n0123456789\r\n00\r\n\r\n", body: "01234567890123456789"},
		"chunked, extensions":     {text: ok + "Transfer-Encoding: chunked\r\n\r\n5;a=b;c=\"d;e\"\r\nhello\r\n0 ; last\r\n\r\nnext", body: "hello", left: "next"},
		"chunked, trailers":       {text: ok + "Transfer-Encoding: chunked\r\n\r\n" + hello + "0\r\nX-A: b\r\nX-C: d\r\n\r\nnext", body: "hello", left: "next"},
		"chunked, bare line feed": {text: ok + "Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\nnext", body: "hello", left: "next"},
		"chunked before length":   {text: ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + hello + "0\r\n\r\nnext", body: "hello", left: "next"},
		"chunked after gzip":      {text: ok + "Transfer-Encoding: gzip, chunked\r\n\r\n" + hello + "0\r\n\r\n", body: "hello"},

		"answer to HEAD":          {text: ok + "Content-Length: 5\r\n\r\nnext", method: "HEAD", left: "next"},
		"answer to HEAD, chunked": {text: ok + "Transfer-Encoding: chunked\r\n\r\nnext", method: "HEAD", left: "next"},
		"answer to HEAD, neither": {text: ok + "\r\nnext", method: "HEAD", left: "next"},
		"204":                     {text: "HTTP/1.1 204 No Content\r\n\r\nnext", left: "next"},
		"304 with a length":       {text: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nnext", left: "next"},
		"interim":                 {text: "HTTP/1.1 103 Early Hints\r\n\r\nnext", left: "next"},
	} {
		t.Run(name, func(t *testing.T) {
			r := reader(test.text)
			method := test.method
			if method == "" {
				method = "GET"
			}
			_, got, err := response(r, method)
			require.NoError(t, err)
			assert.Equal(t, int64(len(test.body)), got.Size)
			assert.Equal(t, wire.Sum([]byte(test.body)), wire.FormatSum(got.Sum))
			assert.Equal(t, test.untilClose, got.UntilClose)
			assert.Equal(t, test.left, rest(t, r))
		})
	}
}

func TestRequestFraming(t *testing.T) {
	for name, test := range map[string]struct{ fields, after, body, left string }{
		"none":           {"", "next", "", "next"}, // unlike a response, a request never ends with the connection
		"content length": {"Content-Length: 5\r\n", "hellonext", "hello", "next"},
		"chunked":        {"Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\nnext", "hello", "next"},
	} {
		t.Run(name, func(t *testing.T) {
			r := reader("POST / HTTP/1.1\r\n" + test.fields + "\r\n" + test.after)
			_, got, err := request(r)
			require.NoError(t, err)
			assert.Equal(t, int64(len(test.body)), got.Size)
			assert.Equal(t, wire.Sum([]byte(test.body)), wire.FormatSum(got.Sum))
			assert.False(t, got.UntilClose)
			assert.Equal(t, test.left, rest(t, r))
		})
	}
}

func TestMalformedBodies(t *testing.T) {
	const chunked = "Transfer-Encoding: chunked\r\n\r\n"
	for name, text := range map[string]string{
		"length of letters":         "Content-Length: five\r\n\r\nhello",
		"length below 0":            "Content-Length: -1\r\n\r\nhello",
		"length of minus 0":         "Content-Length: -0\r\n\r\nhello",
		"length with a sign":        "Content-Length: +5\r\n\r\nhello",
		"length over 63 bits":       "Content-Length: 9223372036854775808\r\n\r\nhello",
		"length list":               "Content-Length: 5, 6\r\n\r\nhello",
		"two lengths that differ":   "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"empty length":              "Content-Length:\r\n\r\nhello",
		"unknown transfer encoding": "Transfer-Encoding: gzip\r\n\r\nhello",
		"chunk size of letters":     chunked + "five\r\nhello\r\n0\r\n\r\n",
		"chunk size missing":        chunked + "\r\nhello\r\n0\r\n\r\n",
		"chunk size only extension": chunked + ";a=b\r\nhello\r\n0\r\n\r\n",
		"chunk size below 0":        chunked + "-5\r\nhello\r\n0\r\n\r\n",
		"chunk size of minus 0":     chunked + "-0\r\n\r\n",
		"chunk size with a sign":    chunked + "+5\r\nhello\r\n0\r\n\r\n",
		"chunk size with prefix":    chunked + "0x5\r\nhello\r\n0\r\n\r\n",
		"chunk size over 63 bits":   chunked + "8000000000000000\r\nhello\r\n0\r\n\r\n",
		"chunk longer than its size": chunked +
			"3\r\nhello\r\n0\r\n\r\n",
		"trailer without a colon":     chunked + "0\r\nX-A\r\n\r\n",
		"chunk size line too long":    chunked + "5;" + strings.Repeat("x", wire.MaxHead) + "\r\nhello\r\n0\r\n\r\n",
		"line after a chunk too long": chunked + "5\r\nhello" + strings.Repeat("x", wire.MaxHead+1),
		"trailer too long":            chunked + "0\r\n" + strings.Repeat("X-A: b\r\n", wire.MaxHead/8+1) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := response(reader("HTTP/1.1 200 OK\r\n"+text), "GET")
			assert.ErrorIs(t, err, wire.ErrMalformed, "response")
			_, _, err = request(reader("POST / HTTP/1.1\r\n" + text))
			assert.ErrorIs(t, err, wire.ErrMalformed, "request")
		})
	}
}

// What had been read before an error counts: the record says how far an answer got.
func TestBodyCountsUpToTheError(t *testing.T) {
	for name, text := range map[string]string{
		"content length": "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello",
		"chunked":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n8\r\nlo",
	} {
		t.Run(name, func(t *testing.T) {
			_, got, err := response(reader(text), "GET")
			require.Error(t, err)
			assert.Equal(t, int64(5), got.Size)
			assert.Equal(t, wire.Sum([]byte("hello")), wire.FormatSum(got.Sum))
		})
	}
}

func TestMatches(t *testing.T) {
	const body = "hello"
	type verdict struct{ marked, short, same bool }
	for name, test := range map[string]struct {
		length, sum string
		want        verdict
	}{
		"whole":             {"5", wire.Sum([]byte(body)), verdict{marked: true, same: true}},
		"unmarked":          {"", "", verdict{}},
		"only a checksum":   {"", wire.Sum([]byte(body)), verdict{}},
		"short":             {"6", wire.Sum([]byte("hello!")), verdict{marked: true, short: true}},
		"long":              {"4", wire.Sum([]byte("hell")), verdict{marked: true}},
		"long, sum of all":  {"4", wire.Sum([]byte(body)), verdict{marked: true}},
		"corrupt":           {"5", wire.Sum([]byte("hallo")), verdict{marked: true}},
		"without a sum":     {"5", "", verdict{marked: true}},
		"unreadable length": {"five", wire.Sum([]byte(body)), verdict{marked: true}},
	} {
		t.Run(name, func(t *testing.T) {
			text := "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
			if test.length != "" {
				text += wire.Length + ": " + test.length + "\r\n"
			}
			if test.sum != "" {
				text += wire.Checksum + ": " + test.sum + "\r\n"
			}
			head, got, err := response(reader(text+"\r\n"+body), "GET")
			require.NoError(t, err)
			marked, short, same := got.Matches(head)
			assert.Equal(t, test.want, verdict{marked, short, same})
		})
	}
}

// The check value of CRC-32C, e.g. in RFC 3720, appendix B.4, and the CRC catalogue.
func TestSum(t *testing.T) {
	assert.Equal(t, "e3069283", wire.Sum([]byte("123456789")))
	assert.Equal(t, "00000000", wire.Sum(nil))
	assert.Equal(t, "0000002a", wire.FormatSum(42))
}

func TestPayload(t *testing.T) {
	assert.Equal(t, "orders-1 r-17\norders-1 r-", string(wire.Payload("orders-1", "r-17", 25)))
	assert.Empty(t, wire.Payload("orders-1", "r-17", 0))
	assert.Len(t, wire.Payload("orders-1", "r-17", 100_000), 100_000)
	assert.NotEqual(t, wire.Payload("orders-1", "r-17", 20), wire.Payload("orders-1", "r-18", 20), "two requests")
	assert.NotEqual(t, wire.Payload("orders-1", "r-17", 20), wire.Payload("orders-2", "r-17", 20), "two backends")
}
