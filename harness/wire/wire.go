// Package wire is HTTP/1 as bytes: heads, bodies and the marks by which a request and its answer prove that they belong
// together and are whole. The client that judges and the backend that is scripted share it, so that neither depends on
// net/http, which repairs, retries and hides what they exist to see. Source: RFC 9112 (HTTP/1.1), RFC 9110.
package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"strconv"
	"strings"
)

// The header fields that mark a request and its answer.
const (
	// ID carries the request's id, minted by the client, on the request and on the answer.
	ID = "X-Badgateway-Id"
	// Backend carries the identity of the answering backend.
	Backend = "X-Badgateway-Backend"
	// Length and Checksum carry the body's length in bytes and its CRC-32C in hexadecimal, on requests and answers,
	// apart from the framing, which a gateway may change.
	Length   = "X-Badgateway-Length"
	Checksum = "X-Badgateway-Checksum"
	// Answer asks the backend for an answer body of that many bytes, with Chunked behind the number in chunks.
	Answer  = "X-Badgateway-Answer"
	Chunked = " chunked"
	// Takes asks the backend to take so many milliseconds over its answer: the request's work takes its time.
	Takes = "X-Badgateway-Takes"
)

// ReadyPath is answered by every backend without a journal entry and on a connection that it then closes, so that
// readiness checks leave nothing behind: no arrival, no pooled connection.
const ReadyPath = "/__ready"

// Ask sends a GET on a connection of its own and returns the status of the answer.
func Ask(conn io.ReadWriter, path string) (status int, err error) {
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: ready\r\nConnection: close\r\n\r\n", path); err != nil {
		return 0, err
	}
	head, err := ReadResponseHead(bufio.NewReader(conn))
	if err != nil {
		return 0, err
	}
	return head.Status(), nil
}

// AskAt is Ask at an address, until the context's deadline. opened reports whether a connection came about.
func AskAt(ctx context.Context, address, path string) (status int, opened bool, err error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, false, err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline() // the zero time is none
	if err := conn.SetDeadline(deadline); err != nil {
		return 0, true, err
	}
	status, err = Ask(conn, path)
	return status, true, err
}

// MaxHead limits the size of a head in bytes.
const MaxHead = 64 << 10

// ErrMalformed is wrapped by every error about bytes that are not HTTP/1.
var ErrMalformed = errors.New("malformed HTTP/1")

// Field is one header field as it stood on the wire, without surrounding white space.
type Field struct{ Name, Value string }

// is reports whether that is the field's name, in any case. Names are ASCII, of which no letter changes its length.
func (f Field) is(name string) bool {
	return len(f.Name) == len(name) && strings.EqualFold(f.Name, name)
}

// Head is the start line and the header of a message.
type Head struct {
	// Start holds the three parts of the start line: method, target and version, or version, status and reason.
	Start  [3]string
	Fields []Field
}

// Get returns the value of the first field of that name, in any case, or "".
func (h *Head) Get(name string) string {
	for _, f := range h.Fields {
		if f.is(name) {
			return f.Value
		}
	}
	return ""
}

// Has reports whether a comma-separated list field contains the token, in any case.
func (h *Head) Has(name, token string) bool {
	for _, f := range h.Fields {
		if !f.is(name) {
			continue
		}
		for item, rest, more := "", f.Value, true; more; {
			item, rest, more = strings.Cut(rest, ",")
			if strings.EqualFold(trimBlanks(item), token) {
				return true
			}
		}
	}
	return false
}

// Status returns the status code of a response head.
func (h *Head) Status() int {
	n, _ := strconv.Atoi(h.Start[1]) // isResponse has checked it
	return n
}

// ReadRequestHead reads the head of a request. An error that wraps ErrMalformed is about the bytes, any other is the
// connection's own.
func ReadRequestHead(r *bufio.Reader) (*Head, error) {
	h := &Head{}
	if err := h.ReadRequest(r); err != nil {
		return nil, err
	}
	return h, nil
}

// ReadRequest is ReadRequestHead for one who reads many, into the room of the head before, of which nothing is left.
func (h *Head) ReadRequest(r *bufio.Reader) error {
	return h.read(r, "request line", isRequest)
}

func isRequest(start [3]string) bool { return start[0] != "" && start[1] != "" && isVersion(start[2]) }

// ReadResponseHead reads the head of a response, interim ones included; errors as in ReadRequestHead.
func ReadResponseHead(r *bufio.Reader) (*Head, error) {
	h := &Head{}
	if err := h.read(r, "status line", isResponse); err != nil {
		return nil, err
	}
	return h, nil
}

func isResponse(start [3]string) bool {
	status, err := strconv.Atoi(start[1])
	return isVersion(start[0]) && len(start[1]) == 3 && err == nil && status >= 100
}

// cutStart cuts a start line into its three parts.
func cutStart(line string) [3]string {
	first, rest, _ := strings.Cut(line, " ")
	second, third, _ := strings.Cut(rest, " ")
	return [3]string{first, second, third}
}

// cutField cuts a header line into name and value; false if it is none.
func cutField(line string) (f Field, ok bool) {
	colon := strings.IndexByte(line, ':')
	if colon <= 0 || strings.IndexByte(line[:colon], ' ') >= 0 || strings.IndexByte(line[:colon], '\t') >= 0 {
		return Field{}, false
	}
	return Field{Name: line[:colon], Value: trimBlanks(line[colon+1:])}, true
}

// trimBlanks is strings.Trim of blanks and tabs, for the one or none that there is.
func trimBlanks(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// isVersion reports whether s is HTTP/1.0, HTTP/1.1 or a later minor version.
func isVersion(s string) bool {
	minor, found := strings.CutPrefix(s, "HTTP/1.")
	return found && len(minor) == 1 && minor >= "0" && minor <= "9"
}

// read judges the start line before it waits for the rest: what is not HTTP/1 owes no empty line at the end.
func (h *Head) read(r *bufio.Reader, what string, valid func(start [3]string) bool) error {
	line, size, err := readLine(r, MaxHead)
	if err != nil {
		return err
	}
	h.Start = cutStart(line)
	if !valid(h.Start) {
		return fmt.Errorf("%w: %s %q", ErrMalformed, what, line)
	}
	if h.Fields == nil {
		h.Fields = make([]Field, 0, 12)
	}
	h.Fields, err = readFields(h.Fields[:0], r, MaxHead-size)
	return err
}

// readFields appends header or trailer fields, to the empty line after them.
func readFields(fields []Field, r *bufio.Reader, limit int) ([]Field, error) {
	for {
		line, n, err := readLine(r, limit)
		if err != nil {
			return nil, midway(err)
		}
		limit -= n
		if line == "" {
			return fields, nil
		}
		field, ok := cutField(line)
		if !ok {
			return nil, fmt.Errorf("%w: header line %q", ErrMalformed, line)
		}
		fields = append(fields, field)
	}
}

// readLine returns a line without its end and the bytes it took. An orderly end in the middle of a line is
// io.ErrUnexpectedEOF, before it io.EOF.
func readLine(r *bufio.Reader, limit int) (string, int, error) {
	var long []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(long)+len(part) > limit {
			return "", 0, fmt.Errorf("%w: head longer than %d bytes", ErrMalformed, MaxHead)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, part...)
			continue
		}
		if err != nil {
			if len(long)+len(part) > 0 {
				err = midway(err)
			}
			return "", 0, err
		}
		if long != nil {
			part = append(long, part...)
		}
		n := len(part)
		part = bytes.TrimSuffix(bytes.TrimSuffix(part, []byte("\n")), []byte("\r"))
		return string(part), n, nil
	}
}

// midway turns an orderly end of the connection inside a message into io.ErrUnexpectedEOF.
func midway(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Sum is the CRC-32C of a body, as written in the Checksum field.
func Sum(body []byte) string { return FormatSum(Checksum32(body)) }

// Checksum32 is the CRC-32C of a body.
func Checksum32(body []byte) uint32 { return crc32.Checksum(body, castagnoli) }

// FormatSum writes a CRC-32C as the Checksum field does: eight hexadecimal digits.
func FormatSum(sum uint32) string { return string(AppendSum(nil, sum)) }

// AppendSum is FormatSum behind what is there.
func AppendSum(to []byte, sum uint32) []byte {
	const digits = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		to = append(to, digits[sum>>shift&0xf])
	}
	return to
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Payload returns a body of n bytes that names its author and its request as far as it has room, so that the body of
// one answer cannot pass for that of another.
func Payload(author, id string, n int) []byte {
	if n == 0 {
		return nil
	}
	line := author + " " + id + "\n"
	body := make([]byte, 0, n+len(line))
	for len(body) < n {
		body = append(body, line...)
	}
	return body[:n]
}
