package wire_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/badgateway/badgateway/harness/wire"
)

// A body written in any chunks is read to the same size and sum, whatever pieces it comes in and however small the
// buffer, and not a byte more is taken than is its own.
func TestChunkingDoesNotShow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "body")
		var text bytes.Buffer
		text.WriteString("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for left := body; len(left) > 0; {
			n := rapid.IntRange(1, len(left)).Draw(t, "chunk")
			extension := rapid.StringMatching(`(;[a-z]{1,30}(="[ -!#-~]*")?)?`).Draw(t, "extension")
			fmt.Fprintf(&text, "%0*x%s\r\n%s\r\n", rapid.IntRange(1, 4).Draw(t, "digits"), n, extension, left[:n])
			left = left[n:]
		}
		text.WriteString("0\r\n" + strings.Repeat("X-Trailer: a\r\n", rapid.IntRange(0, 2).Draw(t, "trailers")) + "\r\n")
		next := rapid.StringN(0, 20, 20).Draw(t, "next message")
		text.WriteString(next)

		r := bufio.NewReaderSize(
			split(&text, rapid.SampledFrom(splits).Draw(t, "split"), rapid.Uint64().Draw(t, "seed")),
			rapid.IntRange(16, 700).Draw(t, "buffer"),
		)
		_, got, err := response(r, "GET")
		require.NoError(t, err)
		require.Equal(t, int64(len(body)), got.Size)
		require.Equal(t, wire.Sum(body), wire.FormatSum(got.Sum))
		left, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, next, string(left))
	})
}

var splits = []string{"whole", "one byte", "half", "end with the data", "random"}

// split delivers what r has in pieces.
func split(r io.Reader, how string, seed uint64) io.Reader {
	switch how {
	case "one byte":
		return iotest.OneByteReader(r)
	case "half":
		return iotest.HalfReader(r)
	case "end with the data":
		return iotest.DataErrReader(r)
	case "random":
		return &randomReader{r: r, random: rand.New(rand.NewPCG(seed, 0))}
	}
	return r
}

// randomReader delivers pieces of random sizes.
type randomReader struct {
	r      io.Reader
	random *rand.Rand
}

func (r *randomReader) Read(p []byte) (int, error) {
	if len(p) > 0 {
		p = p[:1+r.random.IntN(len(p))]
	}
	return r.r.Read(p)
}

func FuzzReadResponse(f *testing.F) {
	for _, seed := range []string{
		"",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-A: b\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.0 502 Bad Gateway\r\n\r\n<html>until the end",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\nETag: \"a\"\n\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nx",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, head bool) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		agree(t, data, func(r *bufio.Reader) (*wire.Head, wire.Body, error) { return response(r, method) })
	})
}

func FuzzReadRequest(f *testing.F) {
	for _, seed := range []string{
		"",
		"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		"POST /orders HTTP/1.1\r\nContent-Length: 5\r\nX-Badgateway-Length: 5\r\n\r\nhello",
		"PUT / HTTP/1.0\nTransfer-Encoding: gzip, chunked\n\n1\na\n0\n\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n-1\r\n",
		"GET / HTTP/1.1\r\n folded: field\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) { agree(t, data, request) })
}

// agree reads messages to the end of the data, in one piece and byte by byte: both must find the same, within the data,
// and fail only in the ways that the package promises.
func agree(t *testing.T, data []byte, read func(*bufio.Reader) (*wire.Head, wire.Body, error)) {
	t.Helper()
	whole := bufio.NewReader(bytes.NewReader(data))
	bytewise := bufio.NewReaderSize(iotest.OneByteReader(bytes.NewReader(data)), 16)
	for left := len(data); ; {
		head, body, err := read(whole)
		sameHead, sameBody, sameErr := read(bytewise)
		require.Equal(t, head, sameHead)
		require.Equal(t, body, sameBody)
		require.Equal(t, fmt.Sprint(err), fmt.Sprint(sameErr))

		if head != nil {
			require.LessOrEqual(t, size(head)+int(body.Size), left, "more than there was")
			_, _, _ = body.Matches(head)
		}
		if err != nil {
			require.True(t, errors.Is(err, wire.ErrMalformed) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF), "%v", err)
			if errors.Is(err, io.EOF) {
				require.Zero(t, left, "io.EOF is an end between messages")
			}
			return
		}
		now := remaining(t, whole)
		require.Less(t, now, left, "a message has at least one byte")
		left = now
		whole.Reset(bytes.NewReader(data[len(data)-left:]))
	}
}

// size is the least that a head can have taken on the wire.
func size(h *wire.Head) int {
	n := len(h.Start[0]) + len(h.Start[1]) + len(h.Start[2]) + len(" \n\n")
	for _, f := range h.Fields {
		n += len(f.Name) + len(f.Value) + len(":\n")
	}
	return n
}

func remaining(t *testing.T, r io.Reader) int {
	t.Helper()
	n, err := io.Copy(io.Discard, r)
	require.NoError(t, err)
	return int(n)
}
