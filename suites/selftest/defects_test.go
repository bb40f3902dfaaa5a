package selftest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/wire"
	"github.com/badgateway/badgateway/reports"
)

// roundTrip makes a RoundTripper of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// transport plants a defect between the reverse proxy and its backends.
func transport(defect func(next http.RoundTripper) roundTrip) reverseproxy.Wrap {
	return reverseproxy.Wrap{Transport: func(next http.RoundTripper) http.RoundTripper { return defect(next) }}
}

// defects are the planted ones, each with every metric that must fail and no other.
var defects = map[string]struct {
	plant  reverseproxy.Wrap
	caught []string
}{
	"a POST is replayed":    {transport(replayPosts), []string{"attempts over 1", "duplicate executions"}},
	"an error is swallowed": {transport(swallowErrors), []string{"answers that no backend gave"}},
	// A truncated and a crossed answer are failures of their requests too, so a promise of none is broken with them.
	"a body is truncated but ended cleanly": {transport(truncate), []string{"failures", "truncated answers that end cleanly"}},
	"answers are crossed":                   {transport(cross()), []string{"failures", "crossed answers"}},
}

func TestDefectsAreCaughtByName(t *testing.T) {
	for name, d := range defects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := execute(t, scenario(cutOff), d.plant)
			assert.Equal(t, expect.Fail, result.Ruling)
			assert.ElementsMatch(t, d.caught, failed(result))
		})
	}
}

func failed(r reports.Result) []string {
	var metrics []string
	for _, v := range r.Verdicts {
		if v.Ruling == expect.Fail {
			metrics = append(metrics, v.Metric)
		}
	}
	return metrics
}

// replayPosts sends a POST again when the first attempt failed, as gateways did before they learned not to.
func replayPosts(next http.RoundTripper) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodPost {
			return next.RoundTrip(r)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		var response *http.Response
		for range 4 {
			again := r.Clone(r.Context())
			again.Body = io.NopCloser(bytes.NewReader(body))
			if response, err = next.RoundTrip(again); err == nil {
				return response, nil
			}
		}
		return nil, err
	}
}

// swallowErrors turns a failed attempt into an empty success.
func swallowErrors(next http.RoundTripper) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err == nil {
			return response, nil
		}
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("ok")), Request: r,
		}, nil
	}
}

// truncate drops the second half of some answers and frames the rest as if it were the whole.
func truncate(next http.RoundTripper) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err != nil || !some(r) {
			return response, err
		}
		body, err := io.ReadAll(response.Body)
		err = errors.Join(err, response.Body.Close())
		half := body[:len(body)/2]
		response.Body = io.NopCloser(bytes.NewReader(half))
		response.ContentLength = int64(len(half))
		response.Header.Del("Content-Length")
		return response, err
	}
}

// cross gives some requests the answer to an earlier one, as a cache with a wrong key does.
func cross() func(http.RoundTripper) roundTrip {
	var mu sync.Mutex
	var kept *http.Response
	var body []byte
	return func(next http.RoundTripper) roundTrip {
		return func(r *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(r)
			if err != nil || response.Header.Get(wire.ID) == "" { // a failure, or a readiness check
				return response, err
			}
			mu.Lock()
			defer mu.Unlock()
			if kept == nil {
				kept = response
				body, err = io.ReadAll(response.Body)
				response.Body = io.NopCloser(bytes.NewReader(body))
				return response, err
			}
			if !some(r) {
				return response, nil
			}
			err = response.Body.Close()
			response.Header = kept.Header.Clone()
			response.Body = io.NopCloser(bytes.NewReader(body))
			return response, err
		}
	}
}

// some picks about a tenth of the requests by their id.
func some(r *http.Request) bool { return strings.HasSuffix(r.Header.Get(wire.ID), "7") }
