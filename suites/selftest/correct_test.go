package selftest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/record"
)

func TestCorrectGatewayPasses(t *testing.T) {
	t.Parallel()
	result := execute(t, scenario(cutOff), reverseproxy.Wrap{})
	for _, v := range result.Verdicts {
		assert.Equal(t, expect.Pass, v.Ruling, "%s: %s", v.Promise, v.Reason)
	}
	assert.Positive(t, result.Summary.Touched)
}

// disabled is a fault whose injector does nothing.
type disabled struct{ fault.Fault }

func (disabled) Inject(context.Context, string, fault.Site) (fault.Active, error) {
	return disabled{}, nil
}
func (disabled) Lift(context.Context) error                      { return nil }
func (disabled) Receipt(context.Context) (record.Receipt, error) { return record.Receipt{}, nil }

// Nothing fails when nothing breaks, so a scenario that only looked at failures would be green.
func TestDisabledFaultIsInconclusive(t *testing.T) {
	for _, f := range []fault.Fault{
		cutOff,
		fault.CloseOnReuse{By: fault.RST},
		fault.IdleTimeout{After: 1e6, By: fault.FIN},
		fault.CloseBeforeResponse{By: fault.RST},
		fault.CloseInBody{By: fault.FIN},
		fault.DelayResponse{For: 1e6},
		fault.ErrorStatus{Status: 503},
	} {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			result := execute(t, scenario(disabled{f}), reverseproxy.Wrap{})
			assert.Equal(t, expect.Inconclusive, result.Ruling)
			require.NotEmpty(t, result.Verdicts)
			for _, v := range result.Verdicts {
				assert.Equal(t, expect.Inconclusive, v.Ruling, v.Promise)
				assert.Contains(t, v.Reason, "touched nothing")
			}
		})
	}
}
