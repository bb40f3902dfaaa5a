package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/record"
)

// place is where lives are spent, one after another, each of them a process: a container, or addresses of this process.
type place interface {
	// control is the control port of the process there.
	control() backend.Remote
	// upstream is how the gateway reaches it, dial how the harness does the way the gateway would.
	upstream() gateways.Upstream
	dial() string
	// link is the link through which both lead, or nil; cable what connects the place to the network, or nil.
	link() fault.Toxics
	cable() fault.Cable

	// start starts another process after one has ended, and may be repeated.
	start(ctx context.Context) error
	kill(ctx context.Context) error
	stop(ctx context.Context, grace time.Duration) error
	pause(ctx context.Context) error
	resume(ctx context.Context) error

	// journal opens the journal of the last process; the next one overwrites it.
	journal(ctx context.Context) (io.ReadCloser, error)
	// await tries until it works, for a process that has just been started; gone says that one has ended, nil if it has not or
	// nobody can tell.
	await(ctx context.Context, try func(context.Context) error) error
	gone(ctx context.Context) error
}

// life is one life of a replica: a process from its start to its end. Who has ended cannot be asked any more; so it is
// asked just before for all that will be wanted of it: how its clock stands, and what its rules have done.
type life struct {
	number int
	name   string
	at     place
	lab    record.Clock

	mu                  sync.Mutex
	offset, uncertainty time.Duration // from its clock to the lab's
	rules               map[string]bool
	receipts            map[string]record.Receipt
	over                bool
	kept                []byte // its journal, once another life has taken its place
}

func newLife(at place, number int, lab record.Clock) *life {
	return &life{
		number: number, name: at.control().Name, at: at, lab: lab,
		rules: map[string]bool{}, receipts: map[string]record.Receipt{}, uncertainty: time.Hour,
	}
}

// begin waits until the process answers on its control port: it listens for requests by then.
func (l *life) begin(ctx context.Context) error { return l.at.await(ctx, l.align) }

// remote is its control port.
func (l *life) remote() backend.Remote { return l.at.control() }

// align measures how its clock stands; the most certain measurement counts.
func (l *life) align(ctx context.Context) error {
	offset, uncertainty, err := l.remote().Offset(ctx, l.lab)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if uncertainty < l.uncertainty {
		l.offset, l.uncertainty = offset, uncertainty
	}
	return nil
}

// farewellTimeout bounds what is asked of a life that is about to end, which may be past answering.
const farewellTimeout = time.Second

// end ends the life: within the grace, or without one at once. It may be repeated.
func (l *life) end(ctx context.Context, grace time.Duration) error {
	if l.ended() {
		return nil
	}
	l.farewell(ctx)
	end := l.at.kill
	if grace > 0 {
		end = func(ctx context.Context) error { return l.at.stop(ctx, grace) }
	}
	if err := end(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	return nil
}

func (l *life) farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, farewellTimeout)
	defer cancel()
	_ = l.align(ctx) // what was measured when it began is good as well
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.rules {
		if receipt, err := l.remote().Receipt(ctx, id); err == nil { // else it is missed when it is asked for
			l.receipts[id] = receipt
		}
	}
}

func (l *life) ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// Add puts a rule in force for as long as the life lasts.
func (l *life) Add(ctx context.Context, r backend.Rule) error {
	l.mu.Lock()
	l.rules[r.ID] = true
	l.mu.Unlock()
	return l.remote().Add(ctx, r)
}

// Lift ends a rule, unless the life's end has done so.
func (l *life) Lift(ctx context.Context, id string) error {
	if l.ended() {
		return nil
	}
	if err := l.remote().Lift(ctx, id); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rules[id] = false
	return nil
}

// Receipt returns what a rule has done so far. It is an error when the rule was not lifted but ended with the life: it
// was not in force for as long as it says.
func (l *life) Receipt(ctx context.Context, id string) (record.Receipt, error) {
	receipt, err := l.receipt(ctx, id)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && l.over && l.rules[id] {
		err = fmt.Errorf("life %d of %s ended while %s was in force", l.number, l.name, id)
	}
	return receipt, err
}

// receipt is Receipt for rules that are meant to last as long as the life. Of what came between the farewell and the end
// the journal alone knows.
func (l *life) receipt(ctx context.Context, id string) (record.Receipt, error) {
	if !l.ended() {
		return l.remote().Receipt(ctx, id)
	}
	l.mu.Lock()
	receipt, known := l.receipts[id]
	l.mu.Unlock()
	if !known {
		return receipt, fmt.Errorf("life %d of %s ended before it was asked what %s had done", l.number, l.name, id)
	}
	arrivals, err := l.read(ctx, 0)
	receipt.Requests = 0
	for _, a := range arrivals {
		if a.Injection == id {
			receipt.Requests++
		}
	}
	return receipt, err
}

// Await waits until that many requests have arrived in this life, or the context ends.
func (l *life) Await(ctx context.Context, arrivals int) error { return l.remote().Await(ctx, arrivals) }

// keep reads the journal before another life overwrites it.
func (l *life) keep(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept != nil {
		return nil
	}
	file, err := l.at.journal(ctx)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	l.kept = text
	return nil
}

// arrivals reads the journal on the run's clock, and tells how far off its instants can be.
func (l *life) arrivals(ctx context.Context, run record.Clock) ([]record.Arrival, time.Duration, error) {
	offset, uncertainty := l.aligned(ctx, run)
	arrivals, err := l.read(ctx, offset)
	return arrivals, uncertainty, err
}

func (l *life) read(ctx context.Context, offset time.Duration) ([]record.Arrival, error) {
	file, err := l.journal(ctx)
	if err != nil {
		return nil, fmt.Errorf("journal of life %d of %s: %w", l.number, l.name, err)
	}
	arrivals, err := backend.ReadJournal(file, offset)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("life %d of %s: %w", l.number, l.name, err)
	}
	for i := range arrivals {
		arrivals[i].Life = int32(l.number)
	}
	return arrivals, nil
}

// journal opens the journal, wherever it is by now.
func (l *life) journal(ctx context.Context) (io.ReadCloser, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept != nil {
		return io.NopCloser(bytes.NewReader(l.kept)), nil
	}
	return l.at.journal(ctx)
}

// aligned lets the backend tell everything in its journal and measures what must be added to its clock to get the run's, or
// takes what was measured before if it cannot be asked any more.
func (l *life) aligned(ctx context.Context, run record.Clock) (offset, uncertainty time.Duration) {
	if !l.ended() && l.at.gone(ctx) == nil && l.remote().Settle(ctx) == nil {
		if offset, uncertainty, err := l.remote().Offset(ctx, run); err == nil {
			return offset, uncertainty
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.offset + run.Now() - l.lab.Now(), l.uncertainty
}
