package wire

import (
	"bufio"
	"bytes"
	"strings"
)

// ReadInto is ReadResponseHead for whoever reads many: it reads into a head that is used again, whose fields are gone then.
func (h *Head) ReadInto(r *bufio.Reader) error {
	if h.ReadBuffered(r) {
		return nil
	}
	head, err := ReadResponseHead(r)
	if err == nil {
		*h = *head
	}
	return err
}

var emptyLine = []byte("\r\n\r\n")

// ReadBuffered takes a response head that has come whole, and is as it should be, with one allocation. Anything else it leaves
// where it is.
func (h *Head) ReadBuffered(r *bufio.Reader) bool {
	buffered, _ := r.Peek(r.Buffered())
	end := bytes.Index(buffered, emptyLine)
	if end < 0 || end+4 > MaxHead {
		return false
	}
	text := string(buffered[:end+4])
	line, rest, _ := cutLine(text)
	start := cutStart(line)
	if !isResponse(start) {
		return false
	}
	fields := h.Fields[:0]
	for {
		var found bool
		if line, rest, found = cutLine(rest); !found {
			return false
		}
		if line == "" {
			break
		}
		field, ok := cutField(line)
		if !ok {
			return false
		}
		fields = append(fields, field)
	}
	h.Start, h.Fields = start, fields
	_, _ = r.Discard(len(text) - len(rest)) // buffered: cannot fail
	return true
}

// cutLine cuts off a line, without its end.
func cutLine(text string) (line, rest string, found bool) {
	end := strings.IndexByte(text, '\n')
	if end < 0 {
		return text, "", false
	}
	return strings.TrimSuffix(text[:end], "\r"), text[end+1:], true
}
