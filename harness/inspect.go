package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/lab"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/reports"
)

// Inspection is for what a Scenario cannot say beforehand: a test that does one thing after another and looks at what
// comes of it. The contract of the gateways is made of them; what breaks gateways is told by scenarios.
type Inspection struct {
	Backends topology.Group
	Policy   topology.Policy
	// NoRetries forbids retries as well, where the gateway can be told to: those that it makes by default would blur what
	// is looked at.
	NoRetries bool
	// Promise is what must hold, in words.
	Promise string
	// Observe finds out. It returns what Broken makes when the promise is broken; any other error says that the harness
	// failed.
	Observe func(ctx context.Context, b *Bench) error
	// Profile is the smallest one that the inspection is part of.
	Profile Profile
}

// broken is a promise that was not kept, and what was seen instead.
type broken struct{ seen string }

func (b broken) Error() string { return b.seen }

// Broken says what was seen instead of what was promised.
func Broken(format string, args ...any) error { return broken{fmt.Sprintf(format, args...)} }

// Inspect runs the inspection as one subtest for each selected gateway.
func Inspect(t *testing.T, i Inspection) {
	t.Helper()
	needMain(t, "Inspect")
	session.skipUnlessIn(t, i.Profile)
	if session.Dry {
		t.Skip("a dry run, and an inspection has no schedule")
	}
	if session.Replay != "" {
		t.Skip("an inspection looks while it runs: it cannot be judged again")
	}
	session.each(t, Case{Scenario: Scenario{Backends: i.Backends, Policy: i.Policy}}, func(c Case) (reports.Result, error) {
		if i.NoRetries && slices.Contains(c.Gateway.Has(), "no-retries") {
			c.Scenario.Policy.Retries = topology.NoRetries
		}
		return c.Inspect(session.ctx, i)
	})
}

// Inspect runs the inspection in a lab of its own, with the case's gateway, backends and policy.
func (c Case) Inspect(ctx context.Context, i Inspection) (result reports.Result, err error) {
	if err := errors.Join(c.Scenario.Backends.Validate(), c.Scenario.Policy.Validate()); err != nil {
		return result, fmt.Errorf("%s: %w", c.Name, err)
	}
	err = c.inLab(ctx, func(running lab.Lab) error {
		b := &Bench{Lab: running, clock: record.StartClock(), began: time.Now(), seed: c.ScheduleSeed}
		verdict := expect.Verdict{Promise: i.Promise, Ruling: expect.Pass}
		err := i.Observe(ctx, b)
		if seen, is := errors.AsType[broken](err); is && ctx.Err() == nil {
			verdict.Ruling, verdict.Reason, err = expect.Fail, seen.seen, nil
		}
		if err == nil {
			result, err = c.concludeInspection(ctx, b, verdict)
		}
		return err
	})
	return result, err
}

// concludeInspection saves what was seen beside what it came to.
func (c Case) concludeInspection(ctx context.Context, b *Bench, v expect.Verdict) (reports.Result, error) {
	facts := record.Facts{Requests: b.requests}
	var err error
	if facts.Arrivals, err = b.Lab.Arrivals(ctx, b.clock); err != nil {
		return reports.Result{}, err
	}
	c.describe(&facts.Case, b.Lab.Facts(), b.began)
	facts.Case.LoadEnded = b.clock.Now()
	if err := record.Save(c.Dir, facts); err != nil {
		return reports.Result{}, err
	}
	exchanges, strays := record.Join(facts.Requests, facts.Arrivals)
	evidence := expect.Evidence{Planned: len(b.requests), Exchanges: exchanges, Strays: strays}
	result := c.result(facts.Case, evidence, []expect.Verdict{v}, c.Dir)
	return result, reports.Save(result)
}

// Bench is what an inspection works at: a running lab, and the means to send requests and to script the backends.
type Bench struct {
	// Lab is the running topology; reload, restart and stop are asked of it.
	Lab lab.Lab

	clock    record.Clock
	began    time.Time
	seed     uint64
	scripts  int
	requests []record.Request
}

// Send sends a load and returns each of its requests with the arrivals that it led to.
func (b *Bench) Send(ctx context.Context, l load.Load) ([]record.Exchange, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	var sent []record.Request
	var dialer net.Dialer
	client := load.Client{
		Address: b.Lab.Address(), Dial: dialer.DialContext, Clock: b.clock, Patience: patience,
		Began: func(time.Duration) {},
		Seen:  func(r record.Request) { sent = append(sent, r) },
	}
	b.seed++ // so that the ids of one load are not those of another
	err := client.Run(ctx, l, b.seed)
	b.requests = append(b.requests, sent...)
	if err != nil {
		return nil, err
	}
	arrivals, err := b.Lab.Arrivals(ctx, b.clock)
	if err != nil {
		return nil, err
	}
	exchanges, _ := record.Join(sent, arrivals)
	return exchanges, nil
}

// One sends one request on a connection of its own.
func (b *Bench) One(ctx context.Context, r load.Request) (record.Exchange, error) {
	x, err := b.Send(ctx, load.Constant{Rate: 1, For: time.Second, Request: r, Connections: load.PerRequest})
	if err != nil {
		return record.Exchange{}, err
	}
	return x[0], nil
}

// Script is a rule in force on some backends.
type Script struct {
	id string
	on []fault.Script
}

// Script puts a rule in force on the target's backends. The rule gets an id.
func (b *Bench) Script(ctx context.Context, on topology.Target, r backend.Rule) (*Script, error) {
	b.scripts++
	r.ID = fmt.Sprintf("script-%d", b.scripts)
	s := &Script{id: r.ID}
	for _, replica := range on.Replicas() {
		remote := b.Lab.Site(replica).Backend
		if err := remote.Add(ctx, r); err != nil {
			return nil, err
		}
		s.on = append(s.on, remote)
	}
	return s, nil
}

// Lift ends the rule.
func (s *Script) Lift(ctx context.Context) error {
	var errs []error
	for _, remote := range s.on {
		errs = append(errs, remote.Lift(ctx, s.id))
	}
	return errors.Join(errs...)
}

// Touched counts the requests that have met the rule so far.
func (s *Script) Touched(ctx context.Context) (int, error) {
	touched := 0
	for _, remote := range s.on {
		receipt, err := remote.Receipt(ctx, s.id)
		if err != nil {
			return 0, err
		}
		touched += receipt.Requests
	}
	return touched, nil
}
