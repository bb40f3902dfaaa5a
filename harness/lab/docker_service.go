package lab

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"

	"github.com/badgateway/badgateway/fixtures/images"
)

// spec is what is asked of one container.
type spec struct {
	// name is its address in the lab's network, and so are the aliases.
	name    string
	aliases []string
	image   images.Obtained
	// command replaces the image's own; args follow the image's own.
	command, args []string
	// user takes the place of the image's own.
	user string
	// ports are those that the harness must reach.
	ports []int
	files []testcontainers.ContainerFile
	// capabilities are those that its processes have beside the engine's default ones.
	capabilities []string
	// alone leaves it without any network; in puts it into the pod of another one, whose address and ports are its own.
	alone bool
	in    *service
	// address is the one it has whenever it is connected; the zero one is chosen by the engine each time.
	address netip.Addr
}

// service is a container of the lab that was started.
type service struct {
	engine  *client.Client
	id      string
	spec    spec
	network string
	by      reach

	replaced atomic.Int32 // files, while it ran

	mu        sync.Mutex
	host      netip.Addr     // in the lab's network
	published map[int]string // where the ports are on this machine, if they are there
}

// address is where the harness reaches a port of the container.
func (s *service) address(port int) string {
	if s.spec.in != nil {
		return s.spec.in.address(port)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == containerAddress {
		return net.JoinHostPort(s.host.String(), strconv.Itoa(port))
	}
	return s.published[port]
}

// containers is testcontainers' way to the engine, one for all labs: each new one asks about the engine and lists its networks
// before it does anything (see createNetwork).
var containers = sync.OnceValues(func() (testcontainers.GenericProvider, error) {
	return testcontainers.ProviderDefault.GetProvider(testcontainers.WithLogger(log.NewNoopLogger()))
})

// createTimeout bounds the creation of one container or network.
const createTimeout = 30 * time.Second

// run creates a container and starts it. A creation that has begun is not broken off, or the engine might finish it when
// the lab has already been taken down.
func (p *project) run(ctx context.Context, s spec) (*service, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if !s.alone && s.in == nil {
		var err error
		if s.address, err = p.addresses.take(); err != nil {
			return nil, err
		}
	}
	request, err := p.request(s)
	if err != nil {
		return nil, err
	}
	creating, cancel := context.WithTimeout(context.WithoutCancel(ctx), createTimeout)
	defer cancel()
	provider, err := containers()
	if err != nil {
		return nil, err
	}
	defer provider.Close() // that of its idle connections; it opens others
	created, err := provider.CreateContainer(creating, request)
	if err != nil {
		return nil, err
	}
	if err := created.Start(creating); err != nil {
		return nil, err
	}
	started := &service{engine: p.engine, id: created.GetContainerID(), spec: s, by: p.reach}
	if s.alone || s.in != nil {
		return started, nil
	}
	started.network = p.network.name
	return started, started.locate(ctx)
}

// request says it in testcontainers' words.
func (p *project) request(s spec) (testcontainers.ContainerRequest, error) {
	named, err := reference.ParseNormalizedNamed(s.image.Ref)
	if err != nil {
		return testcontainers.ContainerRequest{}, err
	}
	bindings := network.PortMap{}
	if p.reach == publishedPort && s.in == nil {
		for _, port := range s.ports {
			bindings[tcp(port)] = []network.PortBinding{{HostIP: netip.AddrFrom4([4]byte{127, 0, 0, 1}), HostPort: "0"}}
		}
	}
	r := testcontainers.ContainerRequest{
		// The image's full name keeps testcontainers from putting its registry prefix before an image that is already here; what
		// runs is the ID.
		Name:  "badgateway-" + p.own[labelLab] + "-" + s.name,
		Image: named.String(),
		ConfigModifier: func(c *container.Config) {
			c.Image = s.image.ID
			if s.user != "" {
				c.User = s.user
			}
		},
		// A command takes the place of the image's entrypoint, and by that of its default arguments too.
		Entrypoint: s.command, Cmd: s.args, Labels: p.own.clone(), Files: s.files,
	}
	for port := range bindings {
		r.ExposedPorts = append(r.ExposedPorts, port.String())
	}
	var host *container.HostConfig
	r.HostConfigModifier = func(h *container.HostConfig) { host = h }
	switch {
	case s.alone:
		r.HostConfigModifier = func(h *container.HostConfig) { host, h.NetworkMode = h, network.NetworkNone }
	case s.in != nil:
		r.HostConfigModifier = func(h *container.HostConfig) {
			host, h.NetworkMode = h, container.NetworkMode("container:"+s.in.id)
		}
	default:
		r.Networks = []string{p.network.name}
		// testcontainers leaves the network out if it cannot look it up at this moment.
		r.EndpointSettingsModifier = func(e map[string]*network.EndpointSettings) {
			e[p.network.name] = &network.EndpointSettings{NetworkID: p.network.id, Aliases: s.names(), IPAMConfig: s.ipam()}
		}
	}
	// Left alone, testcontainers publishes every port that the image declares, on every address of this machine.
	publish := func(context.Context, testcontainers.ContainerRequest) error {
		host.PortBindings, host.CapAdd = bindings, s.capabilities
		return nil
	}
	r.LifecycleHooks = []testcontainers.ContainerLifecycleHooks{
		{PreCreates: []testcontainers.ContainerRequestHook{publish}},
	}
	return r, nil
}

// names are those by which the others in the lab's network find it.
func (s spec) names() []string { return append([]string{s.name}, s.aliases...) }

func (s spec) ipam() *network.EndpointIPAMConfig {
	if !s.address.IsValid() {
		return nil
	}
	return &network.EndpointIPAMConfig{IPv4Address: s.address}
}

func tcp(port int) network.Port {
	p, _ := network.PortFrom(uint16(port), network.TCP)
	return p
}

// locate finds out where the container is, and how the harness reaches its ports.
func (s *service) locate(ctx context.Context) error {
	inspected, err := s.engine.ContainerInspect(ctx, s.id, client.ContainerInspectOptions{})
	if err != nil {
		return err
	}
	settings := inspected.Container.NetworkSettings
	var host netip.Addr
	if endpoint := settings.Networks[s.network]; endpoint != nil {
		host = endpoint.IPAddress
	}
	published := map[int]string{}
	for _, port := range s.spec.ports {
		switch bound := settings.Ports[tcp(port)]; {
		case s.by == containerAddress && host.IsValid():
		case s.by == publishedPort && len(bound) > 0:
			published[port] = net.JoinHostPort("127.0.0.1", bound[0].HostPort)
		default:
			if err := s.gone(ctx); err != nil {
				return s.explain(ctx, err)
			}
			return fmt.Errorf("the engine gives no address for port %d", port)
		}
	}
	if s.spec.address.IsValid() && host != s.spec.address {
		return fmt.Errorf("%s is at %s now, and was to be at %s", s.spec.name, host, s.spec.address)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.host, s.published = host, published
	return nil
}

// gone says that the container has ended; nil while it runs and while the engine cannot tell.
func (s *service) gone(ctx context.Context) error {
	inspected, err := s.engine.ContainerInspect(ctx, s.id, client.ContainerInspectOptions{})
	if err != nil || inspected.Container.State.Running {
		return nil //nolint:nilerr // whoever waits has a reason of its own to give up
	}
	return exited(inspected.Container.State.ExitCode)
}

func exited(code int) error { return fmt.Errorf("exited with code %d", code) }

func (s *service) explain(ctx context.Context, err error) error { return explain(ctx, s, err) }

// explain adds to an error what a process printed last.
func explain(ctx context.Context, of process, err error) error {
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	last, logErr := of.lastLines(ctx, 20)
	switch text := strings.TrimSpace(string(last)); {
	case logErr != nil:
		return fmt.Errorf("%w (its log cannot be read: %w)", err, logErr)
	case text == "":
		return fmt.Errorf("%w; it logged nothing", err)
	default:
		return fmt.Errorf("%w; its last log lines:\n    %s", err, strings.ReplaceAll(text, "\n", "\n    "))
	}
}

func (s *service) readLog(ctx context.Context) ([]byte, error) { return s.logs(ctx, "all") }

func (s *service) lastLines(ctx context.Context, n int) ([]byte, error) {
	return s.logs(ctx, strconv.Itoa(n))
}

// logs returns the last lines of what the container printed, or all of them.
func (s *service) logs(ctx context.Context, tail string) ([]byte, error) {
	return s.read(ctx, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: tail})
}

// output returns what the container prints until it ends.
func (s *service) output(ctx context.Context) ([]byte, error) {
	return s.read(ctx, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: true})
}

func (s *service) read(ctx context.Context, options client.ContainerLogsOptions) ([]byte, error) {
	stream, err := s.engine.ContainerLogs(ctx, s.id, options)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	_, err = stdcopy.StdCopy(&text, &text, stream)
	return text.Bytes(), errors.Join(err, stream.Close())
}

// open opens a file of the container, which need not be running.
func (s *service) open(ctx context.Context, path string) (io.ReadCloser, error) {
	copied, err := s.engine.CopyFromContainer(ctx, s.id, client.CopyFromContainerOptions{SourcePath: path})
	if err != nil {
		return nil, err
	}
	archive := tar.NewReader(copied.Content)
	if _, err := archive.Next(); err != nil {
		return nil, errors.Join(err, copied.Content.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{archive, copied.Content}, nil
}
