package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// soon bounds what happens at a time of the gateway's own choosing: a reload, a health check.
const soon = 20 * time.Second

var get = load.GET("/orders")

func TestReady(t *testing.T) {
	t.Parallel()
	harness.Inspect(t, harness.Inspection{
		Backends: topology.Replicas("orders", 2),
		Promise:  "the first request after ready is answered by a backend",
		Observe:  isAnswered,
		Profile:  harness.Smoke,
	})
}

// isAnswered sends one request and wants an answer of a backend.
func isAnswered(ctx context.Context, b *harness.Bench) error {
	x, err := b.One(ctx, get)
	if err == nil && (x.Failed() || !x.Answered()) {
		return harness.Broken("%s from %q", x.Label(), x.Backend)
	}
	return err
}

// methods are those that people send; bodies come with all but those that have none.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}

// afterUpload is how long the backend waits before it answers, which is more than a gateway needs to notice that the upload
// is over: one in Go that gets the answer's head before it has, cuts the answer short (golang/go#40747). How often that
// happens with an answer that comes at once is for a scenario to say, and not for a test of what comes through.
const afterUpload = 50 * time.Millisecond

func TestRequestsAndAnswersAreLeftIntact(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	harness.Inspect(t, harness.Inspection{
		Backends: orders,
		Promise:  "ids and bodies of every method and size come through as they are",
		Observe: func(ctx context.Context, b *harness.Bench) error {
			if _, err := b.Script(ctx, orders.Each(), backend.Rule{On: backend.OnRequest, Delay: afterUpload}); err != nil {
				return err
			}
			for _, method := range methods {
				for _, size := range []int{0, 1 << 10, 64 << 10, 2 << 20} {
					for _, chunked := range []bool{false, true} {
						r := load.Request{Method: method, Path: "/orders", Body: size, Answer: size, Chunked: chunked}
						if method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions {
							r.Body = 0
						}
						if err := comesThrough(ctx, b, r); err != nil {
							return err
						}
					}
				}
			}
			return nil
		},
	})
}

// comesThrough sends a request and checks what arrived and what came back. A gateway may refuse a large body, as nginx
// does by default, but then no backend may hear of it.
func comesThrough(ctx context.Context, b *harness.Bench, r load.Request) error {
	sent, err := b.Send(ctx, load.Constant{Rate: 1, For: time.Second, Request: r})
	if err != nil {
		return err
	}
	x := sent[0]
	what := fmt.Sprintf("%s with %d bytes there and %d back, chunked %t", r.Method, r.Body, r.Answer, r.Chunked)
	switch {
	case r.Body >= 1<<20 && x.Status == http.StatusRequestEntityTooLarge && x.Attempts() == 0:
		return nil
	case x.Outcome != record.Complete || x.Status != http.StatusOK:
		return harness.Broken("%s: %s (%s)", what, x.Label(), x.Detail)
	case x.Attempts() != 1:
		return harness.Broken("%s: arrived %d times", what, x.Attempts())
	}
	switch a := x.Arrivals[0]; {
	case a.Method != r.Method || a.Path != r.Path:
		return harness.Broken("%s: arrived as %s %s", what, a.Method, a.Path)
	case !a.Intact || a.Received != int64(r.Body):
		return harness.Broken("%s: a body of %d bytes arrived, intact %t", what, a.Received, a.Intact)
	case r.Method != http.MethodHead && x.Received != int64(r.Answer):
		return harness.Broken("%s: %d bytes came back", what, x.Received)
	case !x.Answered():
		return harness.Broken("%s: the answer is not the backend's", what)
	}
	return nil
}

func TestVersion(t *testing.T) {
	t.Parallel()
	harness.Inspect(t, harness.Inspection{
		Backends: topology.Replicas("orders", 1),
		Promise:  "the gateway tells a version by which its behaviour can be told apart",
		Observe: func(_ context.Context, b *harness.Bench) error {
			if v := b.Lab.Facts().Version; v.Compare("0") <= 0 {
				return harness.Broken("version %q", v)
			}
			return nil
		},
	})
}

func TestLog(t *testing.T) {
	t.Parallel()
	harness.Inspect(t, harness.Inspection{
		Backends: topology.Replicas("orders", 1),
		Promise:  "the log has the id of a request, by which it is matched with its attempts",
		Observe: func(ctx context.Context, b *harness.Bench) error {
			x, err := b.One(ctx, get)
			if err != nil {
				return err
			}
			var log []byte
			found, err := eventually(ctx, func() (bool, error) {
				var err error
				log, err = b.Lab.Log(ctx)
				return bytes.Contains(log, []byte(x.ID)), err
			})
			if err == nil && !found {
				return harness.Broken("no %s in a log of %d bytes", x.ID, len(log))
			}
			return err
		},
	})
}

// eventually tries until it is true or it has taken too long.
func eventually(ctx context.Context, try func() (bool, error)) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	for {
		ok, err := try()
		if ok || err != nil {
			return ok, err
		}
		select {
		case <-time.After(50 * time.Millisecond): // polling: no gateway announces it
		case <-ctx.Done():
			return false, nil
		}
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 2)
	first, second := orders.Members()[0], orders.Members()[1]
	harness.Inspect(t, harness.Inspection{
		Backends: orders,
		Promise:  "another list of backends is taken over while the gateway runs",
		Observe: func(ctx context.Context, b *harness.Bench) error {
			gateway := b.Lab.Gateway()
			for _, change := range []struct {
				tell    func(context.Context, topology.Replica) error
				of      topology.Replica
				serving []topology.Replica
			}{
				{gateway.Exclude, first, []topology.Replica{second}},
				{gateway.Include, first, []topology.Replica{first, second}},
				{gateway.Exclude, second, []topology.Replica{first}},
			} {
				if err := change.tell(ctx, change.of); err != nil {
					return err
				}
				if err := comeToServe(ctx, b, change.serving, fmt.Sprintf("it was told of %v", change.serving)); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

// comeToServe wants these replicas and no others to answer in the end, after what has happened.
func comeToServe(ctx context.Context, b *harness.Bench, replicas []topology.Replica, after string) error {
	var by map[string]int
	serve, err := eventually(ctx, func() (bool, error) {
		var err error
		by, err = answeredBy(ctx, b)
		return sameNames(by, replicas), err
	})
	if err == nil && !serve {
		return harness.Broken("%s after %s, 20 requests are answered by %v", soon, after, by)
	}
	return err
}

// answeredBy counts who answers 20 requests, each on a connection of its own; "" is the gateway itself.
func answeredBy(ctx context.Context, b *harness.Bench) (map[string]int, error) {
	sent, err := b.Send(ctx, load.Constant{Rate: 100, For: 200 * time.Millisecond, Request: get, Connections: load.PerRequest})
	by := map[string]int{}
	for _, x := range sent {
		by[x.Backend]++
	}
	return by, err
}

func sameNames(by map[string]int, replicas []topology.Replica) bool {
	for _, r := range replicas {
		if by[r.String()] == 0 {
			return false
		}
	}
	return len(by) == len(replicas)
}

func TestStop(t *testing.T) {
	t.Parallel()
	orders := topology.Replicas("orders", 1)
	harness.Inspect(t, harness.Inspection{
		Backends: orders,
		Promise:  "a stop in order answers what is under way, then takes no connection",
		Observe: func(ctx context.Context, b *harness.Bench) error {
			slow, err := b.Script(ctx, orders.Each(), backend.Rule{On: backend.OnRequest, Delay: 2 * time.Second})
			if err != nil {
				return err
			}
			stopped := make(chan error, 1)
			go func() { stopped <- stopInTheMiddle(ctx, b, slow) }()
			x, err := b.One(ctx, get)
			if err == nil && x.Failed() {
				err = harness.Broken("the request under way ended with %s (%s)", x.Label(), x.Detail)
			}
			if err := errors.Join(<-stopped, err); err != nil {
				return err
			}
			dialer := net.Dialer{Timeout: time.Second} // the address is nobody's now, and nobody may say so
			if conn, err := dialer.DialContext(ctx, "tcp", b.Lab.Address()); err == nil {
				_ = conn.Close()
				return harness.Broken("a connection was accepted after the stop")
			}
			return nil
		},
	})
}

// stopInTheMiddle stops the gateway once a request has reached the backend.
func stopInTheMiddle(ctx context.Context, b *harness.Bench, slow *harness.Script) error {
	arrived, err := eventually(ctx, func() (bool, error) {
		touched, err := slow.Touched(ctx)
		return touched > 0, err
	})
	if err == nil && !arrived {
		err = errors.New("the request did not arrive")
	}
	return errors.Join(err, b.Lab.Gateway().Stop(ctx))
}

func TestRestart(t *testing.T) {
	t.Parallel()
	harness.Inspect(t, harness.Inspection{
		Backends: topology.Replicas("orders", 1),
		Promise:  "after a restart the first request is answered by a backend",
		Observe: func(ctx context.Context, b *harness.Bench) error {
			gateway := b.Lab.Gateway()
			if err := errors.Join(gateway.Stop(ctx), gateway.Start(ctx)); err != nil {
				return err
			}
			return isAnswered(ctx, b)
		},
	})
}
