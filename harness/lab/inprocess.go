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

// The files a lab leaves in its folder.
const (
	ConfigFile = "gateway.conf"
	LogFile    = "gateway.log"
)

// inProcess runs everything on loopback sockets of this process:
//
//	client -> embedded gateway -> [Toxiproxy ->] backend -> journal file
type inProcess struct {
	address string
	sites   map[topology.Replica]fault.Site
	remotes []backend.Remote
	facts   Facts
	dir     string
	stop    []func(context.Context) error // in the order of starting
}

func startInProcess(ctx context.Context, p Plan) (Lab, error) {
	l := &inProcess{
		sites: map[topology.Replica]fault.Site{}, dir: p.Dir,
		facts: Facts{Lab: "inprocess", Version: topology.Version(reverseproxy.Version()), Reach: "loopback"},
	}
	upstreams, err := l.startBackends(ctx, p)
	if err != nil {
		return l, err
	}
	if err := l.startGateway(ctx, p, upstreams); err != nil {
		return l, fmt.Errorf("gateway %s: %w", p.Gateway, err)
	}
	alive := func(context.Context) error { return nil }
	return l, awaitReady(ctx, l.address, p.Gateway.Ready, alive)
}

func (l *inProcess) startBackends(ctx context.Context, p Plan) ([]gateways.Upstream, error) {
	var upstreams []gateways.Upstream
	var toxic *toxiproxy.Remote
	if len(p.Links) > 0 {
		server, err := toxiproxy.Start(ctx)
		if err != nil {
			return nil, err
		}
		l.stop = append(l.stop, func(context.Context) error { return server.Stop() })
		toxic = &toxiproxy.Remote{Address: server.Address()}
	}
	for _, replica := range p.Backends.Members() {
		site, address, err := l.startBackend(ctx, replica)
		if err != nil {
			return nil, err
		}
		if slices.Contains(p.Links, replica) {
			// What has begun is not broken off: the Toxiproxy might open the link after it was told to close them all.
			link, err := toxic.Connect(context.WithoutCancel(ctx), replica.String(), "127.0.0.1:0", address)
			if err != nil {
				return nil, err
			}
			address, site.Link, site.Dial = link.Listen, &link, link.Listen
		}
		l.sites[replica] = site
		l.remotes = append(l.remotes, site.Backend)
		upstreams = append(upstreams, gateways.Upstream{Name: replica.String(), Address: address})
	}
	return upstreams, nil
}

func (l *inProcess) startBackend(ctx context.Context, replica topology.Replica) (fault.Site, string, error) {
	data, err := listen(ctx)
	if err != nil {
		return fault.Site{}, "", err
	}
	server, err := backend.Start(replica.String(), data, l.journal(replica.String()))
	if err != nil {
		return fault.Site{}, "", errors.Join(err, data.Close())
	}
	l.stop = append(l.stop, func(context.Context) error { return server.Stop() })
	control, err := listen(ctx)
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

func (l *inProcess) startGateway(ctx context.Context, p Plan, upstreams []gateways.Upstream) error {
	config, err := p.Gateway.Render(gateways.Rendering{
		Version: l.facts.Version, Listen: p.Gateway.Listen, Backends: upstreams, Policy: p.Policy,
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(l.dir, ConfigFile), config, 0o644); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(l.dir, LogFile))
	if err != nil {
		return err
	}
	l.stop = append(l.stop, func(context.Context) error { return log.Close() })
	listener, err := listen(ctx)
	if err != nil {
		return err
	}
	gateway, err := reverseproxy.Start(listener, config, log, p.Wrap)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	l.stop = append(l.stop, gateway.Stop)
	l.address = listener.Addr().String()
	return nil
}

func listen(ctx context.Context) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", "127.0.0.1:0")
}

func (l *inProcess) journal(name string) string { return filepath.Join(l.dir, name+".journal") }

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
