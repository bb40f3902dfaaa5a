package selftest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/harness/wire"
)

// roundTrip makes a RoundTripper of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// transport plants a defect between the reverse proxy and its backends.
func transport(defect func(next http.RoundTripper) roundTrip) reverseproxy.Wrap {
	return reverseproxy.Wrap{Transport: func(next http.RoundTripper) http.RoundTripper { return defect(next) }}
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
		return own(r, http.StatusOK, "ok"), nil
	}
}

// own is an answer that the gateway gives by itself.
func own(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// invent answers some requests by itself.
func invent(status int) func(http.RoundTripper) roundTrip {
	return func(next http.RoundTripper) roundTrip {
		return func(r *http.Request) (*http.Response, error) {
			if some(r) && r.Method == http.MethodGet {
				return own(r, status, "no such thing"), nil
			}
			return next.RoundTrip(r)
		}
	}
}

// turn gives answers another status.
func turn(from, to int) func(http.RoundTripper) roundTrip {
	return func(next http.RoundTripper) roundTrip {
		return func(r *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(r)
			if err == nil && response.StatusCode == from {
				response.StatusCode = to
			}
			return response, err
		}
	}
}

// bodies gives some requests another body, or another end of it, than the backend's.
func bodies(change func(*http.Response, []byte)) func(http.RoundTripper) roundTrip {
	return func(next http.RoundTripper) roundTrip {
		return func(r *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(r)
			if err != nil || !some(r) {
				return response, err
			}
			body, err := io.ReadAll(response.Body)
			err = errors.Join(err, response.Body.Close())
			change(response, body)
			return response, err
		}
	}
}

// truncate drops the second half of the body and frames the rest as if it were the whole.
var truncate = bodies(func(r *http.Response, body []byte) {
	half := body[:len(body)/2]
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(half)), int64(len(half))
	r.Header.Del("Content-Length")
})

// cutBodies breaks the body off in the middle, for everybody to see. Without a length it is passed on as it comes.
var cutBodies = bodies(func(r *http.Response, body []byte) {
	broken := io.MultiReader(bytes.NewReader(body[:len(body)/2]), failing{})
	r.Body, r.ContentLength = io.NopCloser(broken), -1
	r.Header.Del("Content-Length")
})

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// corrupt flips a bit of the body.
var corrupt = bodies(func(r *http.Response, body []byte) {
	if len(body) > 0 {
		body[len(body)/2] ^= 1
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
})

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

// alterUploads flips a bit of some bodies on their way to the backend.
func alterUploads(next http.RoundTripper) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		if !some(r) || r.Method != http.MethodPost {
			return next.RoundTrip(r)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body[len(body)/2] ^= 1
		altered := r.Clone(r.Context())
		altered.Body = io.NopCloser(bytes.NewReader(body))
		return next.RoundTrip(altered)
	}
}

// hang never answers some GETs.
func hang(next http.RoundTripper) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		if some(r) && r.Method == http.MethodGet {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		return next.RoundTrip(r)
	}
}

// dawdle keeps four requests of ten waiting.
func dawdle(next http.RoundTripper) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		if id := r.Header.Get(wire.ID); id != "" && strings.ContainsAny(id[len(id)-1:], "1357") {
			time.Sleep(400 * time.Millisecond)
		}
		return next.RoundTrip(r)
	}
}

// closeConnections opens a connection for each request.
func closeConnections(next http.RoundTripper) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		alone := r.Clone(r.Context())
		alone.Close = true
		return next.RoundTrip(alone)
	}
}

// closeOnErrors closes the client's connection where it should pass an error on.
func closeOnErrors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(closing{w}, r) })
}

type closing struct{ http.ResponseWriter }

func (w closing) WriteHeader(status int) {
	if status >= 500 {
		panic(http.ErrAbortHandler)
	}
	w.ResponseWriter.WriteHeader(status)
}
