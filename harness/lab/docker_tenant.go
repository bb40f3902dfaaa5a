package lab

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/images"
	"github.com/badgateway/badgateway/fixtures/remote"
	"github.com/badgateway/badgateway/fixtures/supervisor"
)

// The containers of a sandbox are houses: a supervisor of ours is the first process in each, and what a lab has there is a child of
// it, so that the engine has nothing to do. Backends live in their pod. A gateway and the Toxiproxy live in containers of their
// own images, which share the network of a pod, and what listens there besides is the pod itself, which makes way to the
// supervisors. A lab that has all to itself has each of them in a container of its own, as its first process.

const (
	// relayPort is unlikely to be a gateway's.
	relayPort      = 47100
	supervisorPath = "/badgateway-supervisor"
)

// tenant is a process in a house.
type tenant struct {
	house   *service
	program supervisor.Program
}

// image is what the engine tells of an image: how its containers begin.
type image struct {
	entrypoint, arguments []string
	env                   []string
	user                  string
}

var inspected memo[image]

func inspectImage(ctx context.Context, engine *client.Client, of images.Obtained) (image, error) {
	return inspected.get(ctx, of.ID, func() (image, error) {
		told, err := engine.ImageInspect(ctx, of.ID)
		if err == nil && told.Config == nil {
			err = fmt.Errorf("the engine does not tell how containers of %s begin", of.Ref)
		}
		if err != nil {
			return image{}, err
		}
		c := told.Config
		return image{entrypoint: c.Entrypoint, arguments: c.Cmd, env: c.Env, user: c.User}, nil
	})
}

// house names the house for the gateway of a hop. What one gateway leaves in its files is not for another one that has the same
// image.
func (h hop) house(gateway images.Obtained) string {
	sum := sha256.Sum256([]byte(gateway.ID + " " + h.gateway.Origin + " " + h.gateway.String()))
	return fmt.Sprintf("%s-house-%x", h.host, sum[:6])
}

// pod is the house in which backends live, and the network of others.
func (b *sandbox) pod(ctx context.Context, of spec) (*service, error) {
	return b.once(of.name, func() (*service, error) {
		return b.openHouse(ctx, spec{
			name: of.name, aliases: of.aliases, image: b.ours, ports: append(slices.Clone(of.ports), relayPort), user: "0:0",
			args: []string{"-relay", portOf(relayPort), "-supervise", of.name},
		})
	})
}

// house is the house of that name in the pod of what is to live there.
func (b *sandbox) house(ctx context.Context, name string, of spec) (*service, error) {
	pod, err := b.pod(ctx, of)
	if err != nil {
		return nil, err
	}
	return b.once(name, func() (*service, error) {
		program, err := b.ourProgram(ctx, pod)
		if err != nil {
			return nil, err
		}
		return b.openHouse(ctx, spec{
			name: name, image: of.image, in: pod, user: "0:0", command: []string{supervisorPath, "-supervise", name},
			files: []testcontainers.ContainerFile{{Reader: bytes.NewReader(program), ContainerFilePath: supervisorPath, FileMode: 0o755}},
		})
	})
}

// openHouse starts a house, and waits until things can be done there.
func (b *sandbox) openHouse(ctx context.Context, s spec) (*service, error) {
	house, err := b.run(ctx, s)
	if err != nil {
		return nil, err
	}
	err = await(ctx, house.gone, func(ctx context.Context) error { return house.supervisor().Put(ctx) })
	return house, house.explain(ctx, err)
}

var ourPrograms memo[[]byte]

// ourProgram takes from a house the program that is its supervisor, so that it is always the one for the engine's machine.
func (b *sandbox) ourProgram(ctx context.Context, from *service) ([]byte, error) {
	return ourPrograms.get(ctx, b.ours.ID, func() ([]byte, error) {
		file, err := from.supervisor().Open(ctx, "/proc/self/exe")
		if err != nil {
			return nil, err
		}
		program, err := io.ReadAll(file)
		return program, errors.Join(err, file.Close())
	})
}

// supervisor is the one in the house.
func (s *service) supervisor() supervisor.Remote {
	return supervisor.Remote{Name: s.spec.name, Address: s.address(relayPort)}
}

// settle starts in a house what would else run in a container of its own.
func (b *sandbox) settle(ctx context.Context, house *service, s spec, files ...gateways.File) (*tenant, error) {
	of, err := inspectImage(ctx, b.engine, s.image)
	if err != nil {
		return nil, err
	}
	t := &tenant{house: house, program: of.program(s)}
	if len(files) > 0 {
		if err := t.replace(ctx, files...); err != nil {
			return nil, err
		}
	}
	if err := house.supervisor().Start(ctx, t.program); err != nil {
		if refused := (remote.Refused{}); !errors.As(err, &refused) {
			b.spoil() // it may have begun, or be about to
		}
		return nil, err
	}
	return t, nil
}

// ask asks the gateway for its version, which is not settled in yet.
func (b *sandbox) ask(ctx context.Context, h hop, from images.Obtained) (string, error) {
	house, err := b.house(ctx, h.house(from), h.container(from))
	if err != nil {
		return "", err
	}
	of, err := inspectImage(ctx, b.engine, from)
	if err != nil {
		return "", err
	}
	ran, err := house.supervisor().Run(ctx, of.program(spec{command: h.gateway.Version.Command}))
	return ran.Output, err
}

// program is what an engine would run in a container of the image of which that is asked.
func (i image) program(s spec) supervisor.Program {
	if len(s.command) > 0 {
		i.entrypoint, i.arguments = s.command, nil
	}
	if len(s.args) > 0 {
		i.arguments = s.args
	}
	return supervisor.Program{Command: slices.Concat(i.entrypoint, i.arguments), Env: i.env, User: cmp.Or(s.user, i.user)}
}

func (t *tenant) replace(ctx context.Context, files ...gateways.File) error {
	written := make([]supervisor.File, len(files))
	for i, f := range files {
		written[i] = supervisor.File{Path: f.Target, Content: f.Content}
	}
	return t.house.supervisor().Put(ctx, written...)
}

func (t *tenant) address(port int) string { return t.house.address(port) }

func (t *tenant) home() *service { return t.house.home() }

func (t *tenant) start(ctx context.Context) error {
	status, err := t.house.supervisor().Status(ctx)
	if err != nil || status.Running {
		return err
	}
	return t.house.supervisor().Start(ctx, t.program)
}

func (t *tenant) send(ctx context.Context, s gateways.Signal) error {
	return t.house.supervisor().Signal(ctx, s.Number())
}

// signal sends a signal to the process, unless it has ended.
func (t *tenant) signal(ctx context.Context, number uint) error {
	err := t.house.supervisor().Signal(ctx, number)
	if err != nil && t.gone(ctx) != nil {
		return nil
	}
	return err
}

// pause returns when the process has come to a stop: its first thread, and the others within moments.
func (t *tenant) pause(ctx context.Context) error {
	if err := t.house.supervisor().Signal(ctx, sigStop); err != nil {
		return err
	}
	for {
		status, err := t.house.supervisor().Status(ctx)
		switch {
		case err != nil:
			return err
		case !status.Running:
			return exited(status.Code)
		case isStopped(status.Process):
			return nil
		}
		time.Sleep(5 * time.Millisecond) // polling: it is not announced to others than its parent
	}
}

// isStopped reads /proc/pid/status (proc(5)).
func isStopped(status string) bool { return strings.Contains(status, "\nState:\tT") }

func (t *tenant) resume(ctx context.Context) error { return t.signal(ctx, sigCont) }

func (t *tenant) open(ctx context.Context, path string) (io.ReadCloser, error) {
	return t.house.supervisor().Open(ctx, path)
}

func (t *tenant) ended(ctx context.Context) error { return t.house.supervisor().Wait(ctx) }

func (t *tenant) gone(ctx context.Context) error {
	status, err := t.house.supervisor().Status(ctx)
	switch {
	case err != nil:
		return t.house.gone(ctx) // else whoever waits has a reason of its own to give up
	case status.Running:
		return nil
	}
	return exited(status.Code)
}

func (t *tenant) status(ctx context.Context) (string, error) {
	status, err := t.house.supervisor().Status(ctx)
	return status.Process, err
}

func (t *tenant) tasks(ctx context.Context) (int, error) {
	status, err := t.house.supervisor().Status(ctx)
	return status.Tasks, err
}

func (t *tenant) exec(ctx context.Context, command []string) (code int, printed string, err error) {
	p := t.program
	p.Command = command
	ran, err := t.house.supervisor().Run(ctx, p)
	return ran.Code, ran.Output, err
}

func (t *tenant) readLog(ctx context.Context) ([]byte, error) { return t.house.supervisor().Log(ctx) }

func (t *tenant) lastLines(ctx context.Context, n int) ([]byte, error) {
	text, err := t.readLog(ctx)
	lines := slices.Collect(strings.Lines(string(text)))
	return []byte(strings.Join(lines[max(0, len(lines)-n):], "")), err
}
