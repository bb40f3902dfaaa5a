package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/reverseproxy"
	"github.com/badgateway/badgateway/fixtures/toxiproxy"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// inProcess runs everything on loopback sockets of this process:
//
//	client -> embedded gateway -> [Toxiproxy ->] backend -> journal file
type inProcess struct {
	plan      Plan
	address   string
	gateway   *reverseproxy.Gateway
	log       *os.File
	upstreams map[topology.Replica]gateways.Upstream
	serving   []topology.Replica
	sites     map[topology.Replica]fault.Site
	remotes   []backend.Remote
	facts     Facts
	stop      []func(context.Context) error // in the order of starting
}

func startInProcess(ctx context.Context, p Plan) (Lab, error) {
	l := &inProcess{
		plan: p, serving: p.Backends.Members(),
		sites: map[topology.Replica]fault.Site{}, upstreams: map[topology.Replica]gateways.Upstream{},
		facts: Facts{Lab: "inprocess", Version: topology.Version(reverseproxy.Version()), Reach: "loopback"},
	}
	if err := l.startBackends(ctx, p); err != nil {
		return l, err
	}
	var err error
	if l.log, err = os.Create(filepath.Join(p.Dir, LogFile)); err != nil {
		return l, err
	}
	l.stop = append(l.stop, func(context.Context) error { return l.log.Close() }, l.stopGateway)
	if err := l.startGateway(ctx, "127.0.0.1:0"); err != nil {
		return l, fmt.Errorf("gateway %s: %w", p.Gateway, err)
	}
	return l, nil
}

func (l *inProcess) startBackends(ctx context.Context, p Plan) error {
	var toxic *toxiproxy.Remote
	if len(p.Links) > 0 {
		server, err := toxiproxy.Start(ctx)
		if err != nil {
			return err
		}
		l.stop = append(l.stop, func(context.Context) error { return server.Stop() })
		toxic = &toxiproxy.Remote{Address: server.Address()}
	}
	for _, replica := range p.Backends.Members() {
		site, address, err := l.startBackend(ctx, replica)
		if err != nil {
			return err
		}
		if slices.Contains(p.Links, replica) {
			// What has begun is not broken off: the Toxiproxy might open the link after it was told to close them all.
			link, err := toxic.Connect(context.WithoutCancel(ctx), replica.String(), "127.0.0.1:0", address)
			if err != nil {
				return err
			}
			address, site.Link, site.Dial = link.Listen, &link, link.Listen
		}
		l.sites[replica] = site
		l.remotes = append(l.remotes, site.Backend)
		l.upstreams[replica] = gateways.Upstream{Name: replica.String(), Address: address}
	}
	return nil
}

func (l *inProcess) startBackend(ctx context.Context, replica topology.Replica) (fault.Site, string, error) {
	data, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return fault.Site{}, "", err
	}
	server, err := backend.Start(replica.String(), data, l.journal(replica.String()))
	if err != nil {
		return fault.Site{}, "", errors.Join(err, data.Close())
	}
	l.stop = append(l.stop, func(context.Context) error { return server.Stop() })
	control, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return fault.Site{}, "", err
	}
	controller := &http.Server{Handler: server.Control(), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- controller.Serve(control) }()
	l.stop = append(l.stop, func(context.Context) error {
		err := controller.Close()
		if end := <-served; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	})
	remote := backend.Remote{Name: replica.String(), Address: control.Addr().String()}
	return fault.Site{Replica: replica, Backend: remote}, data.Addr().String(), nil
}

// render renders the config for the replicas that serve, and saves it.
func (l *inProcess) render() ([]byte, error) {
	var serving []gateways.Upstream
	for _, replica := range l.serving {
		serving = append(serving, l.upstreams[replica])
	}
	config, err := l.plan.Gateway.Render(gateways.Rendering{Version: l.facts.Version, Backends: serving, Policy: l.plan.Policy})
	if err != nil {
		return nil, err
	}
	return config[0].Content, saveConfig(l.plan.Dir, config)
}

func (l *inProcess) startGateway(ctx context.Context, address string) error {
	config, err := l.render()
	if err != nil {
		return err
	}
	listener, err := listen(ctx, address)
	if err != nil {
		return err
	}
	if l.gateway, err = reverseproxy.Start(listener, config, l.log, l.plan.Wrap); err != nil {
		return errors.Join(err, listener.Close())
	}
	l.address = listener.Addr().String()
	alive := func(context.Context) error { return nil }
	return awaitReady(ctx, l.address, l.plan.Gateway.Ready, alive)
}

// stopGateway stops what runs of the gateway, at once.
func (l *inProcess) stopGateway(ctx context.Context) error {
	if l.gateway == nil {
		return nil
	}
	err := l.gateway.Stop(ctx)
	l.gateway = nil
	return err
}

func (l *inProcess) Reload(_ context.Context, serving []topology.Replica) error {
	l.serving = serving
	config, err := l.render()
	if err != nil {
		return err
	}
	return l.gateway.Reload(config)
}

func (l *inProcess) StopGateway(ctx context.Context) error {
	err := l.gateway.Drain(ctx)
	return errors.Join(err, l.stopGateway(ctx))
}

func (l *inProcess) RestartGateway(ctx context.Context) error {
	if err := l.StopGateway(ctx); err != nil {
		return err
	}
	return l.startGateway(ctx, l.address)
}

func (l *inProcess) Log(context.Context) ([]byte, error) { return os.ReadFile(l.log.Name()) }

// Tasks counts nothing: the gateway is a part of this process.
func (l *inProcess) Tasks(context.Context) (int, error) {
	return 0, errors.New("an embedded gateway has no processes of its own")
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", address)
}

func (l *inProcess) journal(name string) string { return filepath.Join(l.plan.Dir, name+".journal") }

func (l *inProcess) Address() string { return l.address }

func (l *inProcess) Site(r topology.Replica) fault.Site { return l.sites[r] }

func (l *inProcess) Facts() Facts { return l.facts }

func (l *inProcess) Arrivals(ctx context.Context, clock record.Clock) ([]record.Arrival, error) {
	offset, uncertainty, err := offsets(ctx, l.remotes, clock)
	if err != nil {
		return nil, err
	}
	l.facts.ClockUncertainty = uncertainty
	var all []record.Arrival
	for i, remote := range l.remotes {
		if err := remote.Settle(ctx); err != nil {
			return nil, err
		}
		file, err := os.Open(l.journal(remote.Name))
		if err != nil {
			return nil, err
		}
		arrivals, err := backend.ReadJournal(file, offset[i])
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", remote.Name, err)
		}
		all = append(all, arrivals...)
	}
	return all, nil
}

// Stop takes down in the reverse order of starting: the gateway before its backends.
func (l *inProcess) Stop(ctx context.Context) error {
	var errs []error
	for _, stop := range slices.Backward(l.stop) {
		errs = append(errs, stop(ctx))
	}
	l.stop = nil
	for _, remote := range l.remotes {
		errs = append(errs, os.Remove(l.journal(remote.Name))) // its arrivals are in the record
	}
	l.remotes = nil
	return errors.Join(errs...)
}
