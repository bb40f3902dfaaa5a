package wire_test

import (
	"bufio"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/badgateway/badgateway/harness/wire"
)

// Whether a head is new or used again, and whether it came whole or in pieces, does not show: the same fields, the same
// error, and the same rest.
func TestReadIntoIsReadResponseHead(t *testing.T) {
	var again wire.Head
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{
			"HTTP/1.1 200 OK", "HTTP/1.0 404", "HTTP/1.1 99 Low", "HTTP/2 200 OK", "A: b", "A:", ": b", "A b: c", "no colon",
			"\r\n", "\n", "\r", "\r\n\r\n", "\n\n", " ", "\t", "X-Long: " + strings.Repeat("x", 300), "body",
		})
		text := strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")
		if rapid.Bool().Draw(t, "begins well") {
			text = "HTTP/1.1 200 OK\r\n" + text
		}
		size := rapid.SampledFrom([]int{16, 100, 4096}).Draw(t, "buffer")
		one, other := bufio.NewReaderSize(strings.NewReader(text), size), bufio.NewReaderSize(strings.NewReader(text), size)
		if rapid.Bool().Draw(t, "buffered") {
			_, _ = one.Peek(1)
			_, _ = other.Peek(1)
		}
		want, wantErr := wire.ReadResponseHead(one)
		err := again.ReadInto(other)
		if wantErr != nil {
			require.EqualError(t, err, wantErr.Error())
			return
		}
		require.NoError(t, err)
		require.Equal(t, want.Start, again.Start)
		require.Equal(t, append([]wire.Field{}, want.Fields...), append([]wire.Field{}, again.Fields...))
		rest, otherRest := new(strings.Builder), new(strings.Builder)
		_, _ = one.WriteTo(rest)
		_, _ = other.WriteTo(otherRest)
		require.Equal(t, rest.String(), otherRest.String())
	})
}
