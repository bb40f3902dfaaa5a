package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/lab"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
	"github.com/badgateway/badgateway/reports"
)

// Case is one scenario on one gateway.
type Case struct {
	// Name is the scenario's: suite and test, e.g. "idleclose/TestPost".
	Name     string
	Scenario Scenario
	Gateway  gateways.Gateway
	// Seed is the run's, ScheduleSeed the one that the schedule of requests is drawn from.
	Seed, ScheduleSeed uint64
	// Dir is where the facts go; it is created.
	Dir string
	// Wrap plants a defect in an embedded gateway.
	Wrap reverseproxy.Wrap
	// Sandboxes are what its labs share with those of other cases; nil leaves each of them alone.
	Sandboxes *lab.Sandboxes
	// Progress is told what is going on; it may be nil.
	Progress func(string)

	// commands are how a person repeats the case.
	commands commands
	// except says on which gateways it is not run, and why.
	except map[string]string
	// also are further scenarios that the case runs, which the gateway must support as well.
	also []Scenario
	// first is the folder of its first facts, below Dir; empty for Dir itself.
	first string
	// straight says that the client passes the gateway by and goes straight to the first replica.
	straight bool
	// elsewhere says that its verdicts are saved elsewhere than beside the facts, by who runs it.
	elsewhere bool
}

const (
	// patience is how long a request without a deadline may take after the load has ended.
	patience = 10 * time.Second
	// longest is how long ending and starting processes may hold up the end of a load.
	longest = 30 * time.Second
	// stopTimeout bounds what is done after the load, whatever became of the run's own context.
	stopTimeout = 30 * time.Second
)

// Execute is the whole method. It returns what happened and what it came to, and an error when the harness failed, which
// says nothing about the gateway.
func (c Case) Execute(ctx context.Context) (reports.Result, error) {
	if err := c.Scenario.Validate(); err != nil { // 1. everything is checked before anything starts
		return reports.Result{}, fmt.Errorf("%s: %w", c.Name, err)
	}
	if err := c.forgetLooks(); err != nil {
		return reports.Result{}, err
	}
	for look := 1; ; look++ {
		if err := c.look(look).gather(ctx); err != nil { // 2. facts, saved before they are judged
			return reports.Result{}, err
		}
		runtime.GC() // what was written is read again, and need not be in memory twice
		result, err := c.Judge()
		if err != nil || !expect.More(result.Verdicts) { // 3. judged from what was saved, until that decides
			return result, err
		}
	}
}

// gather collects what load, faults and backends saw, and saves it.
func (c Case) gather(ctx context.Context) error {
	return punctually(ctx, machine(), c.tell, func(earlier string) (late string, err error) {
		facts, err := record.Begin(c.Dir)
		if err != nil {
			return "", err
		}
		facts.Case.Retaken = earlier
		late, err = c.observe(ctx, facts)
		if err != nil {
			return "", errors.Join(fmt.Errorf("%s on %s: %w", c.Name, c.Gateway, err), facts.Close())
		}
		if late != "" && earlier == "" {
			return late, facts.Close()
		}
		if c.Scenario.Expect.ReadsLog() {
			if facts.Bookings, err = c.bookings(); err != nil {
				return "", errors.Join(err, facts.Close())
			}
		}
		return late, facts.Save()
	})
}

// Judge judges the saved facts of the case, those of all looks together, and saves the result beside them.
func (c Case) Judge() (reports.Result, error) {
	evidence, of, err := c.evidence()
	if err != nil {
		return reports.Result{}, err
	}
	verdicts := expect.Judge(c.Scenario.Expect, evidence, c.deviations(of))
	result := c.result(of, evidence, verdicts, c.Dir)
	return result, c.save(result)
}

// save saves what the case came to beside its facts, unless it is saved elsewhere.
func (c Case) save(r reports.Result) error {
	if c.elsewhere {
		return nil
	}
	return reports.Save(r)
}

// plan is what the case asks of a lab.
func (c Case) plan() lab.Plan {
	return lab.Plan{
		Scenario: c.Name, Gateway: c.Gateway, Backends: c.Scenario.Backends, Policy: c.Scenario.Policy,
		Front: c.Scenario.Front, Links: c.Scenario.Faults.Links(), Successors: c.Scenario.Faults.Successors(), Needs: c.Scenario.Faults.Needs(),
		Sandboxes: c.Sandboxes, Wrap: c.Wrap, Dir: c.Dir, Progress: c.Progress,
	}
}

// observe starts the lab, applies faults and load on one clock, and collects what each side saw. It says so if the client
// fell behind its schedule.
func (c Case) observe(ctx context.Context, facts *record.Recording) (late string, err error) {
	var kept expect.Punctuality
	err = c.inLab(ctx, func(running lab.Lab) error {
		began, clock := time.Now(), record.StartClock() // the one clock of load, faults and arrivals
		client := &load.Script{}
		field := fault.Field{Site: running.Site, Gateway: running.Gateway(), Client: client}
		faults, err := c.Scenario.Faults.Apply(ctx, clock, field, c.ScheduleSeed)
		if err == nil {
			err = c.send(ctx, clock, running, faults, client, facts, &kept)
		}
		err = errors.Join(err, afterwards(ctx, func(ctx context.Context) (err error) {
			facts.Injections, err = faults.End(ctx)
			return err
		}))
		if err != nil {
			return err
		}
		facts.Arrivals, err = running.Arrivals(ctx, clock)
		c.describe(&facts.Case, running.Facts(), began)
		return err
	})
	return kept.Doubt(), err
}

// inLab starts the case's lab, does there what is to be done, and takes it down whatever came of it.
func (c Case) inLab(ctx context.Context, do func(lab.Lab) error) (err error) {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	var running lab.Lab
	err = within(ctx, starts().Take, c.tell, func() (err error) {
		running, err = lab.Start(ctx, c.plan())
		return err
	})
	if running != nil {
		defer func() { err = errors.Join(err, afterwards(ctx, running.Stop)) }()
	}
	if err != nil {
		return err
	}
	return do(running)
}

// send sends the load while the faults come and go.
func (c Case) send(
	ctx context.Context, clock record.Clock, running lab.Lab, faults *fault.Run, script *load.Script, facts *record.Recording,
	kept *expect.Punctuality,
) error {
	var dialer net.Dialer
	address := running.Address()
	if c.straight {
		address = running.Site(c.Scenario.Backends.Replica(1).Replicas()[0]).Dial
	}
	client := load.Client{
		Address: address, Dial: dialer.DialContext, Clock: clock, Patience: patience, Script: script, Longer: faults.Slow,
		Sending: func(n int) {
			facts.Case.Planned = n
			faults.Sent(n)
		},
		Began: func(at time.Duration) {
			facts.Case.LoadBegan = at
			faults.Begin(ctx, at)
		},
		Seen: func(r record.Request) {
			facts.Saw(r)
			kept.Saw(&r)
			if n := facts.Requests(); n%50 == 0 {
				c.tell(c.progress(n))
			}
		},
	}
	if c.Scenario.Load.Count() == load.Unknown && c.Scenario.Faults.Alone() {
		client.Longest = longest
	}
	err := client.Run(ctx, c.Scenario.Load, c.ScheduleSeed)
	facts.Case.LoadEnded = clock.Now()
	if planned := c.Scenario.Load.Count(); planned != load.Unknown { // else it is what the client set out to send
		facts.Case.Planned = planned
	}
	return errors.Join(err, context.Cause(ctx))
}

// tell says what is going on to whoever wants to know.
func (c Case) tell(what string) {
	if c.Progress != nil {
		c.Progress(what)
	}
}

func (c Case) progress(requests int) string {
	if planned := c.Scenario.Load.Count(); planned != load.Unknown {
		return fmt.Sprintf("%d of %d requests", requests, planned)
	}
	return fmt.Sprintf("%d requests", requests)
}

// afterwards runs what must be done even when the run was interrupted, in a fresh and bounded context.
func afterwards(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return do(ctx)
}

func (c Case) describe(d *record.Case, f lab.Facts, began time.Time) {
	s := c.Scenario
	d.Scenario, d.Gateway, d.Began = c.Name, c.Gateway.String(), began
	d.Seed, d.ScheduleSeed = c.Seed, c.ScheduleSeed
	if s.Looks > 1 {
		d.Looks = s.Looks
	}
	d.Detected, d.Image, d.How, d.Lab, d.Reach = string(f.Version), f.Image, f.How, f.Lab, f.Reach
	d.Shared = f.Shared
	d.ClockUncertainty = f.ClockUncertainty
	d.Backends = fmt.Sprintf("%s x %d", s.Backends.Name, s.Backends.Count)
	d.Policy, d.Front = s.Policy.String(), s.Front.String()
	if s.Load != nil { // an inspection has none
		d.Load = s.Load.String()
	}
}

func (c Case) deviations(d record.Case) []expect.Deviation {
	var known []expect.Deviation
	for _, k := range c.Gateway.Deviations(c.Name, topology.Version(d.Detected)) {
		known = append(known, expect.Deviation{
			Metric: k.Promise, Outcomes: k.Outcomes, Untouched: k.Untouched, Sometimes: k.Sometimes, Happens: k.Happens, Why: k.Why,
		})
	}
	return known
}
