package harness_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/badgateway/badgateway/harness"
)

// A run whose client fell behind is taken once more and no more, and told why; one that broke is not taken again.
func TestRetake(t *testing.T) {
	t.Parallel()
	broken := errors.New("no engine")
	type outcome struct {
		late string
		err  error
	}
	for name, c := range map[string]struct {
		outcomes []outcome
		told     []string
	}{
		"punctual":       {[]outcome{{}}, []string{""}},
		"late once":      {[]outcome{{late: "a stall"}, {}}, []string{"", "a stall"}},
		"late twice":     {[]outcome{{late: "a stall"}, {late: "another"}}, []string{"", "a stall"}},
		"broken":         {[]outcome{{err: broken}}, []string{""}},
		"late and broke": {[]outcome{{late: "a stall"}, {err: broken}}, []string{"", "a stall"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told []string
			err := harness.Punctually(func(earlier string) (string, error) {
				now := c.outcomes[len(told)]
				told = append(told, earlier)
				return now.late, now.err
			})
			assert.Equal(t, c.told, told)
			assert.ErrorIs(t, err, c.outcomes[len(c.outcomes)-1].err)
		})
	}
}
