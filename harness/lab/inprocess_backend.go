package lab

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/toxiproxy"
	"github.com/badgateway/badgateway/harness/fault"
)

// address is a place for backends in this process: two ports that they listen on, and a file that they write.
type address struct {
	name     string // of the place
	identity string // in answers
	data     string
	port     string // the control port's address
	path     string // of the journal
	rules    []backend.Rule
	toxics   *toxiproxy.Link

	mu         sync.Mutex
	server     *backend.Server // nil when no process runs here
	controller *http.Server
	served     chan error
}

func (a *address) control() backend.Remote { return backend.Remote{Name: a.identity, Address: a.port} }

func (a *address) upstream() gateways.Upstream {
	return gateways.Upstream{Name: a.name, Address: a.dial()}
}

func (a *address) dial() string {
	if a.toxics != nil {
		return a.toxics.Listen
	}
	return a.data
}

func (a *address) link() fault.Toxics {
	if a.toxics == nil {
		return nil
	}
	return a.toxics
}

// cable: nobody can take a process from itself.
func (a *address) cable() fault.Cable { return nil }

func (a *address) start(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil {
		return nil
	}
	data, err := listen(ctx, a.data)
	if err != nil {
		return err
	}
	orders, err := listen(ctx, a.port)
	if err != nil {
		return errors.Join(err, data.Close())
	}
	server, err := backend.Start(a.identity, data, a.path, a.rules...)
	if err != nil {
		return errors.Join(err, data.Close(), orders.Close())
	}
	a.server = server
	if a.served == nil { // the first time; later somebody may be reading them
		a.data, a.port = data.Addr().String(), orders.Addr().String()
	}
	a.controller = &http.Server{Handler: server.Control(), ReadHeaderTimeout: 5 * time.Second}
	a.served = make(chan error, 1)
	go func() { a.served <- a.controller.Serve(orders) }()
	return nil
}

func (a *address) kill(context.Context) error { return a.end((*backend.Server).Kill) }

func (a *address) stop(ctx context.Context, grace time.Duration) error {
	return a.end(func(s *backend.Server) error {
		ctx, cancel := context.WithTimeout(ctx, grace)
		defer cancel()
		return s.Drain(ctx)
	})
}

// end ends the process, if there is one: the backend, and then its control port.
func (a *address) end(how func(*backend.Server) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server == nil {
		return nil
	}
	err := errors.Join(how(a.server), a.controller.Close())
	if served := <-a.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	a.server = nil
	return err
}

func (a *address) pause(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server == nil {
		return errors.New(a.name + " does not run")
	}
	a.server.Pause()
	return nil
}

func (a *address) resume(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil {
		a.server.Resume()
	}
	return nil
}

func (a *address) journal(context.Context) (io.ReadCloser, error) { return os.Open(a.path) }

// await tries once: who was started listens.
func (a *address) await(ctx context.Context, try func(context.Context) error) error { return try(ctx) }

// gone is nobody by himself: a backend ends when it is told to.
func (a *address) gone(context.Context) error { return nil }

// close ends the process and removes its journal.
func (a *address) close() error {
	err := a.end((*backend.Server).Stop)
	if removed := os.Remove(a.path); !errors.Is(removed, os.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}
