package wire_test

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// errConnection stands for whatever a connection reports other than its orderly end, e.g. a reset.
var errConnection = errors.New("connection reset by peer")

// breaksAfter is a connection that delivers the text and then fails.
func breaksAfter(text string) io.Reader {
	return io.MultiReader(strings.NewReader(text), failing{})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errConnection }

func reader(text string) *bufio.Reader { return bufio.NewReader(strings.NewReader(text)) }

// rest returns what a reader has left.
func rest(t *testing.T, r io.Reader) string {
	t.Helper()
	left, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read what is left: %v", err)
	}
	return string(left)
}
