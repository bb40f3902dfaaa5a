package fault

import (
	"context"
	"fmt"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// MalformResponse answers with something that is not HTTP/1, or not quite.
type MalformResponse struct {
	// As is what is wrong with it.
	As Malformation
}

// Malformation is what is wrong with an answer.
type Malformation string

// The malformations.
const (
	// BadStatusLine is a status that is no number.
	BadStatusLine Malformation = "bad status line"
	// ShortStatus is a status of two digits, 99.
	ShortStatus Malformation = "status of two digits"
	// OtherVersion is the status line of HTTP/2.0, which HTTP/2 itself does not have, before a message in HTTP/1.
	OtherVersion Malformation = "another version"
	// BadHeader is a header line without a colon.
	BadHeader Malformation = "bad header line"
	// TwoLengths are two Content-Length fields that contradict each other (RFC 9112, section 6.3; catalogue I6).
	TwoLengths Malformation = "two content lengths"
	// LengthAndChunks are a Content-Length beside chunks (RFC 9112, section 6.1; catalogue I6).
	LengthAndChunks Malformation = "a content length beside chunks"
)

var malformed = map[Malformation]backend.Answer{
	BadStatusLine:   {StartLine: "HTTP/1.1 2OO OK"},
	ShortStatus:     {StartLine: "HTTP/1.1 99 OK"},
	OtherVersion:    {StartLine: "HTTP/2.0 200 OK"},
	BadHeader:       {Fields: []string{"this line has no colon"}},
	TwoLengths:      {Fields: []string{"Content-Length: 7"}, Framing: ByLength},
	LengthAndChunks: {Fields: []string{"Content-Length: 7"}, Framing: ByChunks},
}

var _ Fault = MalformResponse{}

func (f MalformResponse) String() string { return "malformed response: " + string(f.As) }

// Validate reports everything that is wrong with the fault.
func (f MalformResponse) Validate() error {
	if _, known := malformed[f.As]; !known {
		return fmt.Errorf("%s: want BadStatusLine, ShortStatus, OtherVersion, BadHeader, TwoLengths or LengthAndChunks", f)
	}
	return nil
}

// Acts on requests.
func (f MalformResponse) Acts() Act { return onRequest }

// Inject puts the rule in force.
func (f MalformResponse) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	return at.script(ctx, backend.Rule{On: backend.OnRequest, Answer: malformed[f.As]}, as)
}
