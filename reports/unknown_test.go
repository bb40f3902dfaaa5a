package reports_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/reports"
)

// A ruling that nobody knows is graver than any other, never a pass.
func TestUnknownRulingIsNotGreen(t *testing.T) {
	t.Parallel()
	worst := reports.Worst([]expect.Verdict{{Ruling: expect.Pass}, {Ruling: "passed"}, {Ruling: expect.Pass}})
	assert.Equal(t, expect.Ruling("passed"), worst)
	assert.False(t, reports.Green(worst, false))
}
