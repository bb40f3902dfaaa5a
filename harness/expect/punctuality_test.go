package expect_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/record"
)

// Requests that warm up may be late, and are no measure of how many of the others may be.
func TestPunctualityOfWhatIsJudged(t *testing.T) {
	t.Parallel()
	late := expect.Punctual + time.Second
	var p expect.Punctuality
	for range 1000 {
		p.Saw(&record.Request{Begun: late, Warmup: true})
	}
	for range 188 {
		p.Saw(&record.Request{})
	}
	assert.Empty(t, p.Doubt())
	for range 12 {
		p.Saw(&record.Request{Begun: late})
	}
	assert.Contains(t, p.Doubt(), "12 of 200 requests were begun more than 100ms late, the worst 1.1s")
}
