package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/harness/topology"
)

// embedded is a gateway in this process.
type embedded struct {
	hop     hop
	wrap    reverseproxy.Wrap
	version topology.Version
	log     *os.File
	address string // from the first start on
	config  []byte
	running *reverseproxy.Gateway
}

// newEmbedded prepares a gateway, with a log, which close closes.
func newEmbedded(h hop, v topology.Version, w reverseproxy.Wrap) (*embedded, error) {
	log, err := os.Create(filepath.Join(h.dir, LogFile))
	if err != nil {
		return nil, err
	}
	return &embedded{hop: h, wrap: w, version: v, log: log, address: "127.0.0.1:0"}, nil
}

// begin starts it for the first time.
func (e *embedded) begin(ctx context.Context, serving []gateways.Upstream) error {
	err := e.configure(ctx, serving)
	if err == nil {
		err = e.launch(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", e.hop, err)
	}
	return nil
}

func (e *embedded) Address() string { return e.address }

// configure renders the config for the backends that serve, and saves it.
func (e *embedded) configure(_ context.Context, serving []gateways.Upstream) error {
	config, err := e.hop.render(e.version, serving)
	if err != nil {
		return err
	}
	e.config = config[0].Content
	return nil
}

func (e *embedded) reload(context.Context) error { return e.running.Reload(e.config) }

func (e *embedded) launch(ctx context.Context) error {
	if e.running == nil {
		listener, err := listen(ctx, e.address)
		if err != nil {
			return err
		}
		if e.running, err = reverseproxy.Start(listener, e.config, e.log, e.wrap); err != nil {
			return errors.Join(err, listener.Close())
		}
		if at := listener.Addr().String(); at != e.address { // the first time; then somebody may be reading it
			e.address = at
		}
	}
	alive := func(context.Context) error { return nil }
	return awaitReady(ctx, e.address, e.hop.gateway.Ready, alive)
}

func (e *embedded) halt(ctx context.Context) error {
	if e.running == nil {
		return nil
	}
	return errors.Join(e.running.Drain(ctx), e.stop(ctx))
}

// stop stops what runs, at once.
func (e *embedded) stop(ctx context.Context) error {
	if e.running == nil {
		return nil
	}
	err := e.running.Stop(ctx)
	e.running = nil
	return err
}

// close ends it for good; one that was never there has ended.
func (e *embedded) close(ctx context.Context) error {
	if e == nil {
		return nil
	}
	err := e.stop(ctx)
	if closed := e.log.Close(); !errors.Is(closed, os.ErrClosed) {
		err = errors.Join(err, closed)
	}
	return err
}
