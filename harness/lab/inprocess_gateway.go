package lab

import (
	"context"
	"errors"
	"os"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/harness/topology"
)

// embedded is a gateway in this process.
type embedded struct {
	plan    Plan
	version topology.Version
	log     *os.File
	address string // from the first start on
	config  []byte
	running *reverseproxy.Gateway
}

func (e *embedded) Address() string { return e.address }

// configure renders the config for the backends that serve, and saves it.
func (e *embedded) configure(_ context.Context, serving []gateways.Upstream) error {
	config, err := e.plan.Gateway.Render(gateways.Rendering{Version: e.version, Backends: serving, Policy: e.plan.Policy})
	if err != nil {
		return err
	}
	e.config = config[0].Content
	return saveConfig(e.plan.Dir, config)
}

func (e *embedded) reload(context.Context) error { return e.running.Reload(e.config) }

func (e *embedded) launch(ctx context.Context) error {
	if e.running == nil {
		listener, err := listen(ctx, e.address)
		if err != nil {
			return err
		}
		if e.running, err = reverseproxy.Start(listener, e.config, e.log, e.plan.Wrap); err != nil {
			return errors.Join(err, listener.Close())
		}
		if at := listener.Addr().String(); at != e.address { // the first time; then somebody may be reading it
			e.address = at
		}
	}
	alive := func(context.Context) error { return nil }
	return awaitReady(ctx, e.address, e.plan.Gateway.Ready, alive)
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

// close ends it for good.
func (e *embedded) close(ctx context.Context) error {
	err := e.stop(ctx)
	if closed := e.log.Close(); !errors.Is(closed, os.ErrClosed) {
		err = errors.Join(err, closed)
	}
	return err
}
