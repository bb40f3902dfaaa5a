package fault

import (
	"context"
	"fmt"
	"strings"

	"github.com/badgateway/badgateway/fixtures/backend"
)

// OversizeHeaders answers with a header that is larger than gateways have room for: nginx has 4 or 8 KiB for the head of
// an answer, most others 8 to 64 KiB, those in Go 10 MiB.
type OversizeHeaders struct {
	// Bytes is how much is added to the header, in fields of about 1 KiB.
	Bytes int
}

var _ Fault = OversizeHeaders{}

func (f OversizeHeaders) String() string { return fmt.Sprintf("header of %d bytes more", f.Bytes) }

// maxHeader bounds what is added to a header: it is beyond the room of everybody.
const maxHeader = 16 << 20

// Validate reports everything that is wrong with the fault.
func (f OversizeHeaders) Validate() error {
	if f.Bytes < 1 || f.Bytes > maxHeader {
		return fmt.Errorf("%s: want 1 to %d", f, maxHeader)
	}
	return nil
}

// Acts on requests.
func (f OversizeHeaders) Acts() Act { return onRequest }

// Inject puts the rule in force.
func (f OversizeHeaders) Inject(ctx context.Context, at Site, as Order) (Active, error) {
	var fields []string
	for left := f.Bytes; left > 0; left -= 1024 {
		name := fmt.Sprintf("X-Filling-%d: ", len(fields)+1)
		fields = append(fields, name+strings.Repeat("x", max(min(left, 1024)-len(name)-len("\r\n"), 1)))
	}
	return at.script(ctx, backend.Rule{On: backend.OnRequest, Answer: backend.Answer{Fields: fields}}, as)
}
