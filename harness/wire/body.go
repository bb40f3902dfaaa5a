package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Body is what reading a body to its end found.
type Body struct {
	// Size counts the bytes of content; Sum is their CRC-32C.
	Size int64
	Sum  uint32
	// UntilClose says that the body had no framing of its own and ended with the connection.
	UntilClose bool
}

// Matches compares the body with the marks in its head: a body that is shorter is truncated, one that is longer or has
// another checksum is corrupt. marked is false when the head carries no marks.
func (b Body) Matches(h *Head) (marked, short, same bool) {
	length := h.Get(Length)
	if length == "" {
		return false, false, false
	}
	n, err := strconv.ParseInt(length, 10, 64)
	if err != nil {
		return true, false, false
	}
	var sum [8]byte
	return true, b.Size < n, b.Size == n && string(AppendSum(sum[:0], b.Sum)) == h.Get(Checksum)
}

// Intact reports whether the body of a request is the one that the client sent, who marks bodies only: where there are no
// marks, whatever comes as a body was added on the way.
func (b Body) Intact(h *Head) bool {
	marked, _, same := b.Matches(h)
	return same || !marked && b.Size == 0
}

// ReadRequestBody reads and sums the body that belongs to a request head.
func ReadRequestBody(r *bufio.Reader, h *Head) (Body, error) {
	return readBody(r, h, false)
}

// ReadResponseBody reads and sums the body that belongs to the final response head of a request with that method.
func ReadResponseBody(r *bufio.Reader, h *Head, method string) (Body, error) {
	if h.bodiless(method) {
		return Body{}, nil
	}
	return readBody(r, h, true)
}

// bodiless reports whether the response to a request with that method has no body, whatever its header says.
func (h *Head) bodiless(method string) bool {
	status := h.Status()
	return method == "HEAD" || status == 204 || status == 304 || status < 200
}

// WholeResponseBody reports whether a body is buffered to its end, so that ReadResponseBody need not wait for any of it. Of one
// in chunks, or that ends with the connection, it is not known.
func WholeResponseBody(r *bufio.Reader, h *Head, method string) bool {
	if h.bodiless(method) {
		return true
	}
	n, found, err := contentLength(h)
	return found && err == nil && n <= int64(r.Buffered()) && h.Get("Transfer-Encoding") == ""
}

// readBody applies the framing rules of RFC 9112, section 6.3.
func readBody(r *bufio.Reader, h *Head, response bool) (Body, error) {
	if h.Get("Transfer-Encoding") != "" {
		if !h.Has("Transfer-Encoding", "chunked") {
			return Body{}, fmt.Errorf("%w: transfer encoding %q", ErrMalformed, h.Get("Transfer-Encoding"))
		}
		return readChunked(r)
	}
	n, found, err := contentLength(h)
	if err != nil {
		return Body{}, err
	}
	if found {
		var b Body
		err = b.read(r, n)
		return b, err
	}
	if !response {
		return Body{}, nil
	}
	b := Body{UntilClose: true}
	err = b.read(r, -1)
	if errors.Is(err, io.EOF) {
		err = nil // the end of the connection is the end of the body
	}
	return b, err
}

// contentLength returns the length that all Content-Length fields agree on.
func contentLength(h *Head) (n int64, found bool, err error) {
	for _, f := range h.Fields {
		if !f.is("Content-Length") {
			continue
		}
		length, err := strconv.ParseUint(f.Value, 10, 63) // unlike ParseInt takes no sign
		if err != nil || (found && int64(length) != n) {
			return 0, false, fmt.Errorf("%w: content length %q", ErrMalformed, f.Value)
		}
		n, found = int64(length), true
	}
	return n, found, nil
}

func readChunked(r *bufio.Reader) (Body, error) {
	var b Body
	for {
		line, _, err := readLine(r, MaxHead)
		if err != nil {
			return b, midway(err)
		}
		digits, _, _ := strings.Cut(line, ";")
		size, err := strconv.ParseUint(strings.TrimRight(digits, " \t"), 16, 63)
		if err != nil {
			return b, fmt.Errorf("%w: chunk size %q", ErrMalformed, line)
		}
		if size == 0 {
			_, err := readFields(nil, r, MaxHead) // the trailer
			return b, err
		}
		if err := b.read(r, int64(size)); err != nil {
			return b, err
		}
		if end, _, err := readLine(r, MaxHead); err != nil || end != "" {
			return b, errors.Join(midway(err), notEmpty(end))
		}
	}
}

func notEmpty(end string) error {
	if end == "" {
		return nil
	}
	return fmt.Errorf("%w: %q after a chunk", ErrMalformed, end)
}

// read takes n bytes, or with a negative n all there are, into the size and the sum without keeping them.
func (b *Body) read(r *bufio.Reader, n int64) error {
	for n != 0 {
		if r.Buffered() == 0 {
			if _, err := r.Peek(1); err != nil {
				if n > 0 {
					err = midway(err)
				}
				return err
			}
		}
		take := r.Buffered()
		if n > 0 {
			take = int(min(int64(take), n))
			n -= int64(take)
		}
		part, _ := r.Peek(take) // buffered: cannot fail
		b.Sum = crc32.Update(b.Sum, castagnoli, part)
		b.Size += int64(take)
		_, _ = r.Discard(take)
	}
	return nil
}

// chunkSize is how much of a body Chunk puts into one chunk: no power of two, so that chunks and buffers do not align.
const chunkSize = 10_000

// Chunk writes a body in chunks (RFC 9112, section 7.1).
func Chunk(body []byte) []byte {
	var b bytes.Buffer
	for chunk := range slices.Chunk(body, chunkSize) {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(chunk), chunk)
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}
