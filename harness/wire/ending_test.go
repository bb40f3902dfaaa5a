package wire_test

import (
	"bufio"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/wire"
)

// Every message is cut at every byte, once by an orderly end and once by a failing connection. Which of the three it
// was decides between closed, truncated and reset, so that not one position may be wrong.
func TestEndAtEveryByte(t *testing.T) {
	const chunks = "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nX-A: b\r\n\r\n"
	answer := func(r *bufio.Reader) error {
		_, _, err := response(r, "GET")
		return err
	}
	question := func(r *bufio.Reader) error {
		_, _, err := request(r)
		return err
	}
	for name, test := range map[string]struct {
		text string
		read func(*bufio.Reader) error
		// whole is the length from which on an orderly end is no error.
		whole int
	}{
		"response, content length": {text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", read: answer},
		"response, chunked":        {text: "HTTP/1.1 200 OK\r\n" + chunks, read: answer},
		"response, no body":        {text: "HTTP/1.1 204 No Content\nVia: a\n\n", read: answer},
		"response, until close":    {text: "HTTP/1.1 200 OK\r\nVia: a\r\n\r\nhello", read: answer, whole: 27},
		"request, content length":  {text: "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", read: question},
		"request, chunked":         {text: "POST / HTTP/1.1\r\n" + chunks, read: question},
		"request, no body":         {text: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", read: question},
	} {
		t.Run(name, func(t *testing.T) {
			orderly := len(test.text)
			if test.whole > 0 {
				orderly = test.whole
			}
			for n := range len(test.text) {
				cut := test.text[:n]
				for _, buffer := range []int{16, 4096} { // 16 is the least, shorter than a line
					err := test.read(bufio.NewReaderSize(strings.NewReader(cut), buffer))
					switch {
					case n == 0:
						require.Equal(t, io.EOF, err, "an end before the first byte")
					case n < orderly:
						require.ErrorIs(t, err, io.ErrUnexpectedEOF, "an end after %q", cut)
					default:
						require.NoError(t, err, "an end after %q", cut)
					}
					require.NotErrorIs(t, err, wire.ErrMalformed, "an end after %q", cut)

					err = test.read(bufio.NewReaderSize(breaksAfter(cut), buffer))
					require.ErrorIs(t, err, errConnection, "a failure after %q", cut)
					require.NotErrorIs(t, err, wire.ErrMalformed, "a failure after %q", cut)
				}
			}
			require.NoError(t, test.read(reader(test.text)))
		})
	}
}

// A body that lasts until close is whole when the connection ends and broken when it fails, however long it is.
func TestUntilCloseEndsOnlyWithAnOrderlyEnd(t *testing.T) {
	text := "HTTP/1.0 200 OK\r\n\r\n" + strings.Repeat("x", 10_000)
	_, body, err := response(reader(text), "GET")
	require.NoError(t, err)
	require.Equal(t, int64(10_000), body.Size)

	_, body, err = response(bufio.NewReader(breaksAfter(text)), "GET")
	require.ErrorIs(t, err, errConnection)
	require.Equal(t, int64(10_000), body.Size)
}
