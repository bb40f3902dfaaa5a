package contract

import (
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/topology"
)

// A gateway that claims a capability and does not have it is caught, for each capability: the embedded gateway with its
// defaults has none of what the policies ask for, but those below.
func TestFalseClaimsAreCaught(t *testing.T) {
	t.Parallel()
	stdlib := embedded(t)
	for _, e := range effects {
		if e.of == "workers" {
			continue // a part of this process has no processes to be counted
		}
		t.Run(e.String(), func(t *testing.T) {
			t.Parallel()
			c := harness.Case{
				Name: "contract/" + t.Name(), Gateway: stdlib, Dir: filepath.Join(t.TempDir(), "facts"), ScheduleSeed: 1,
				Scenario: harness.Scenario{Backends: topology.Replicas("orders", e.replicas)},
			}
			switch e.of {
			case "upstream-keep-alive": // it has, so it is taken away
				c.Scenario.Policy.UpstreamKeepAlive = topology.Off
			case "no-retries", "retry-idempotent-only": // it does, so it is made not to
				c.Wrap = reverseproxy.Wrap{Transport: func(next http.RoundTripper) http.RoundTripper { return replaying{next} }}
			}
			result, err := c.Inspect(t.Context(), e.inspection())
			require.NoError(t, err)
			require.Len(t, result.Verdicts, 1)
			assert.Equal(t, expect.Fail, result.Ruling)
			t.Log(result.Verdicts[0].Reason)
			assert.NotEmpty(t, result.Verdicts[0].Reason)
		})
	}
}

func embedded(t *testing.T) gateways.Gateway {
	t.Helper()
	folders, err := gateways.Shipped()
	require.NoError(t, err)
	for _, f := range folders {
		if f.Embedded {
			return f.Newest()
		}
	}
	t.Fatal("no embedded gateway")
	return gateways.Gateway{}
}

// replaying sends every request that failed once more, whatever its method.
type replaying struct{ next http.RoundTripper }

func (r replaying) RoundTrip(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
	}
	var response *http.Response
	var err error
	for range 2 {
		again := request.Clone(request.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		if response, err = r.next.RoundTrip(again); err == nil {
			break
		}
	}
	return response, err
}
