package contract

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/harness/wire"
)

type observation = func(context.Context, *harness.Bench, topology.Group) error

// everyAttemptReset resets every attempt and wants that many.
func everyAttemptReset(r load.Request, attempts int) observation {
	return func(ctx context.Context, b *harness.Bench, orders topology.Group) error {
		if _, err := b.Script(ctx, orders.Each(), backend.Rule{On: backend.OnRequest, End: backend.RST}); err != nil {
			return err
		}
		x, err := b.One(ctx, r)
		if err == nil && x.Attempts() != attempts {
			return harness.Broken("%d attempts, then %s", x.Attempts(), x.Label())
		}
		return err
	}
}

// notRetriedWhenStale cuts requests off on connections that are used again.
func notRetriedWhenStale(ctx context.Context, b *harness.Bench, orders topology.Group) error {
	if _, err := b.Script(ctx, orders.Each(), backend.Rule{On: backend.OnReuse, End: backend.FIN}); err != nil {
		return err
	}
	sent, err := b.Send(ctx, load.Constant{Rate: 20, For: time.Second, Request: get})
	if err != nil {
		return err
	}
	touched := 0
	for _, x := range sent {
		if x.Touched() {
			touched++
		}
		if x.Attempts() > 1 {
			return harness.Broken("%d attempts", x.Attempts())
		}
	}
	if touched == 0 {
		return harness.Broken("no connection was used again, so that nothing is shown")
	}
	return nil
}

// firstReplica breaks the first of two replicas. Nobody may notice, and requests must have met it. They come one after
// another: a gateway that takes the backends in turn could be led astray by others in between.
func firstReplica(rule backend.Rule, r load.Request) observation {
	return func(ctx context.Context, b *harness.Bench, orders topology.Group) error {
		if _, err := b.Script(ctx, orders.Replica(1), rule); err != nil {
			return err
		}
		met := rule.On == backend.OnConnect // nobody can count those
		for range 6 {
			x, err := b.One(ctx, r)
			if err != nil {
				return err
			}
			if x.Failed() || x.Backend != "orders-2" {
				return harness.Broken("%s ended with %s from %q after %d attempts", x.Method, x.Label(), x.Backend, x.Attempts())
			}
			met = met || x.Touched()
		}
		if !met {
			return harness.Broken("no request met the broken replica, so that nothing is shown")
		}
		return nil
	}
}

// givesUp breaks the only replica and wants the client to hear of it after the limit.
func givesUp(rule backend.Rule) observation {
	return func(ctx context.Context, b *harness.Bench, orders topology.Group) error {
		if _, err := b.Script(ctx, orders.Each(), rule); err != nil {
			return err
		}
		large := load.Request{Method: http.MethodGet, Path: "/orders", Answer: 100_000}
		x, err := b.One(ctx, large)
		if err != nil {
			return err
		}
		if took := x.Done - x.Sent; !x.Failed() || took < limit-early || took > late {
			return harness.Broken("%s after %s", x.Label(), took.Round(time.Millisecond))
		}
		return nil
	}
}

// uses sends requests one after another and looks at how many the busiest backend connection carried.
func uses(want func(most int) bool) observation {
	return func(ctx context.Context, b *harness.Bench, _ topology.Group) error {
		sent, err := b.Send(ctx, load.Constant{Rate: 20, For: time.Second, Request: get})
		if err != nil {
			return err
		}
		most := 0
		for _, x := range sent {
			if x.Failed() {
				return harness.Broken("a request ended with %s", x.Label())
			}
			for _, a := range x.Arrivals {
				most = max(most, a.Position)
			}
		}
		if !want(most) {
			return harness.Broken("a backend connection carried %d of %d requests", most, len(sent))
		}
		return nil
	}
}

// idleConnectionIsLeft sends three requests, the last one after a pause that is longer than the limit.
func idleConnectionIsLeft(ctx context.Context, b *harness.Bench, _ topology.Group) error {
	if err := uses(func(most int) bool { return most > 1 })(ctx, b, topology.Group{}); err != nil {
		return err
	}
	if err := pause(ctx, 3*limit); err != nil {
		return err
	}
	x, err := b.One(ctx, get)
	if err != nil {
		return err
	}
	if x.Attempts() != 1 || x.Arrivals[0].Position != 1 {
		return harness.Broken("after %s the same connection was used again", 3*limit)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d): // the pause is what is tested
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

const poolSize = 3

// poolIsKept sends eight requests at once, twice. The second eight find as many connections as the pool has kept.
func poolIsKept(ctx context.Context, b *harness.Bench, orders topology.Group) error {
	if _, err := b.Script(ctx, orders.Each(), backend.Rule{On: backend.OnRequest, Delay: limit}); err != nil {
		return err
	}
	reused := 0
	for range 2 {
		sent, err := b.Send(ctx, load.Constant{Rate: 1000, For: 8 * time.Millisecond, Request: get})
		if err != nil {
			return err
		}
		reused = 0
		for _, x := range sent {
			for _, a := range x.Arrivals {
				if a.Position > 1 {
					reused++
				}
			}
		}
	}
	if reused != poolSize {
		return harness.Broken("%d connections were kept", reused)
	}
	return nil
}

const connections = 3

// connectionsAreLimited sends eight requests at once and looks at how many the backend has under way at most. What the
// gateway does with the others is its own affair.
func connectionsAreLimited(ctx context.Context, b *harness.Bench, orders topology.Group) error {
	if _, err := b.Script(ctx, orders.Each(), backend.Rule{On: backend.OnRequest, Delay: limit}); err != nil {
		return err
	}
	sent, err := b.Send(ctx, load.Constant{Rate: 1000, For: 8 * time.Millisecond, Request: get})
	if err != nil {
		return err
	}
	most := 0
	for _, x := range sent {
		for _, a := range x.Arrivals {
			most = max(most, underWay(sent, a.At))
		}
	}
	if most != connections {
		return harness.Broken("it had %d at a time", most)
	}
	return nil
}

// underWay counts the arrivals that the backends were busy with at an instant.
func underWay(exchanges []record.Exchange, at time.Duration) int {
	n := 0
	for _, x := range exchanges {
		for _, a := range x.Arrivals {
			if a.At <= at && at < a.Done {
				n++
			}
		}
	}
	return n
}

const failures = 2

// ejected resets every request on the first replica and looks at how many it gets.
func ejected(ctx context.Context, b *harness.Bench, orders topology.Group) error {
	first := orders.Members()[0].String()
	script, err := b.Script(ctx, orders.Replica(1), backend.Rule{On: backend.OnRequest, End: backend.RST})
	if err != nil {
		return err
	}
	sent, err := b.Send(ctx, load.Constant{Rate: 40, For: time.Second, Request: get, Connections: load.PerRequest})
	if err != nil {
		return err
	}
	met := 0
	for _, x := range sent {
		for _, a := range x.Arrivals {
			if a.Backend == first {
				met++
			}
		}
	}
	// Without an ejection it would get every other one. Some may be under way when the last failure is counted.
	if met < failures || met > len(sent)/5 {
		return harness.Broken("it got %d of %d requests within 1 s", met, len(sent))
	}
	if err := script.Lift(ctx); err != nil {
		return err
	}
	return comeToServe(ctx, b, orders.Members(), "orders-1 was well again")
}

// breaks resets every request and looks at how many get as far as that. Those that do not are answered with 503.
func breaks(ctx context.Context, b *harness.Bench, orders topology.Group) error {
	script, err := b.Script(ctx, orders.Each(), backend.Rule{On: backend.OnRequest, End: backend.RST})
	if err != nil {
		return err
	}
	sent, err := b.Send(ctx, load.Constant{Rate: 40, For: time.Second, Request: load.POST("/orders")})
	if err != nil {
		return err
	}
	met := 0
	for _, x := range sent {
		switch {
		case x.Attempts() > 0:
			met++
		case x.Outcome != record.Complete || x.Status != http.StatusServiceUnavailable:
			return harness.Broken("a request that no backend heard of ended with %s", x.Label())
		}
	}
	if met == 0 || met > len(sent)/2 {
		return harness.Broken("%d of %d requests reached the backend within 1 s", met, len(sent))
	}
	if err := script.Lift(ctx); err != nil {
		return err
	}
	return comeToServe(ctx, b, orders.Members(), "orders-1 was well again")
}

// checked lets the first replica fail its health check, and pass it again.
func checked(ctx context.Context, b *harness.Bench, orders topology.Group) error {
	script, err := b.Script(ctx, orders.Replica(1), backend.Rule{On: backend.OnReady, Answer: backend.Answer{Status: http.StatusServiceUnavailable}})
	if err != nil {
		return err
	}
	if err := comeToServe(ctx, b, orders.Replica(2).Replicas(), "the check of orders-1 failed"); err != nil {
		return err
	}
	if err := script.Lift(ctx); err != nil {
		return err
	}
	return comeToServe(ctx, b, orders.Members(), "orders-1 was well again")
}

// client is a connection to the gateway that is used by hand.
type client struct {
	net.Conn
	in *bufio.Reader
}

func dial(ctx context.Context, b *harness.Bench) (client, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", b.Lab.Address())
	if err != nil {
		return client{}, err
	}
	return client{conn, bufio.NewReader(conn)}, conn.SetDeadline(time.Now().Add(never))
}

// reaction is how long the gateway takes to close the connection or to say something.
func (c client) reaction() (time.Duration, error) {
	began := time.Now()
	_, err := c.in.Peek(1)
	took := time.Since(began)
	if errors.Is(err, os.ErrDeadlineExceeded) || took < limit-early || took > late {
		return took, harness.Broken("it did nothing for %s, then %v", took.Round(time.Millisecond), err)
	}
	return took, nil
}

func closesIdleClient(ctx context.Context, b *harness.Bench, _ topology.Group) error {
	c, err := dial(ctx, b)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /orders HTTP/1.1\r\nHost: orders\r\n"+wire.ID+": by-hand\r\n\r\n"); err != nil {
		return err
	}
	head, err := wire.ReadResponseHead(c.in)
	if err != nil {
		return err
	}
	if _, err := wire.ReadResponseBody(c.in, head, http.MethodGet); err != nil {
		return err
	}
	_, err = c.reaction()
	return err
}

func turnsSlowClientAway(ctx context.Context, b *harness.Bench, _ topology.Group) error {
	c, err := dial(ctx, b)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /orders HTTP/1.1\r\nHost: orders\r\n"); err != nil {
		return err
	}
	_, err = c.reaction()
	return err
}

func limitsRate(ctx context.Context, b *harness.Bench, _ topology.Group) error {
	sent, err := b.Send(ctx, load.Constant{Rate: 100, For: time.Second, Request: get})
	if err != nil {
		return err
	}
	passed := 0
	for _, x := range sent {
		switch {
		case x.Attempts() > 0:
			passed++
		case x.Outcome != record.Complete || x.Status != http.StatusTooManyRequests && x.Status != http.StatusServiceUnavailable:
			return harness.Broken("a request that no backend heard of ended with %s", x.Label())
		}
	}
	// At most 5 at once, and 5 in each second after.
	if passed < 3 || passed > 12 {
		return harness.Broken("%d of %d passed in a second", passed, len(sent))
	}
	return nil
}

func hasWorkers(ctx context.Context, b *harness.Bench, _ topology.Group) error {
	tasks, err := b.Lab.Tasks(ctx)
	if err != nil {
		return err
	}
	// Beside the workers there may be one that watches over them, and one more.
	if tasks < workers || tasks > workers+2 {
		return harness.Broken("%d processes and threads for %d workers", tasks, workers)
	}
	return nil
}
