package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/images"
	"github.com/badgateway/badgateway/fixtures/supervisor"
)

// A sandbox keeps containers of the gateways' images, houses, in each of which a supervisor of ours is the first process and the
// gateway a child of it: what a lab has there is a new process, and the engine has nothing to do. The houses of one pod share
// its network, and what listens there besides is the pod itself, which makes way to the supervisors. A lab that has all to itself
// has its gateway in a container of its own, as its first process.

const (
	// relayPort is unlikely to be a gateway's.
	relayPort      = 47100
	supervisorPath = "/badgateway-supervisor"
)

// tenant is a gateway's process in a house.
type tenant struct {
	house   *service
	program supervisor.Program
}

// image is what the engine tells of an image: how its containers begin.
type image struct {
	command []string
	env     []string
	user    string
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
		return image{command: slices.Concat(c.Entrypoint, c.Cmd), env: c.Env, user: c.User}, nil
	})
}

// house names the house for the gateway of a hop. What one gateway leaves in its files is not for another one that has the same
// image.
func (h hop) house(gateway images.Obtained) string {
	sum := sha256.Sum256([]byte(gateway.ID + " " + h.gateway.Origin + " " + h.gateway.String()))
	return fmt.Sprintf("%s-house-%x", h.host, sum[:6])
}

// enter is the house for the gateway of a hop, and what its image says.
func (b *sandbox) enter(ctx context.Context, h hop, from imageSet) (*service, image, error) {
	house, err := b.house(ctx, h, from.gateway, from.backend)
	if err != nil {
		return nil, image{}, err
	}
	of, err := inspectImage(ctx, b.engine, from.gateway)
	return house, of, err
}

// house is the container in the pod of a hop for the gateway there: the one that is there, or a new one.
func (b *sandbox) house(ctx context.Context, h hop, gateway, backend images.Obtained) (*service, error) {
	pod, err := b.pod(ctx, spec{name: h.host, aliases: h.doors, ports: []int{h.gateway.Listen, relayPort}}, backend)
	if err != nil {
		return nil, err
	}
	name := h.house(gateway)
	return b.once(name, func() (*service, error) {
		program, err := ourProgram(ctx, pod, backend)
		if err != nil {
			return nil, err
		}
		house, err := b.run(ctx, spec{
			name: name, image: gateway, in: pod, user: "0:0", command: []string{supervisorPath, "-supervise", name},
			files: []testcontainers.ContainerFile{{Reader: bytes.NewReader(program), ContainerFilePath: supervisorPath, FileMode: 0o755}},
		})
		if err != nil {
			return nil, err
		}
		err = await(ctx, house.gone, func(ctx context.Context) error { return house.supervisor().Put(ctx) })
		return house, house.explain(ctx, err)
	})
}

var ourPrograms memo[[]byte]

// ourProgram takes from a container of ours the program that runs there, so that it is always the one for the engine's machine.
func ourProgram(ctx context.Context, from *service, backend images.Obtained) ([]byte, error) {
	ours, err := inspectImage(ctx, from.engine, backend)
	if err != nil {
		return nil, err
	}
	return ourPrograms.get(ctx, backend.ID, func() ([]byte, error) {
		file, err := from.open(ctx, ours.command[0])
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

// settleIn starts a gateway in its house.
func (b *sandbox) settleIn(ctx context.Context, h hop, from imageSet, config []gateways.File) (process, error) {
	house, of, err := b.enter(ctx, h, from)
	if err != nil {
		return nil, err
	}
	t := &tenant{house: house, program: of.program(h.gateway.Command, h.gateway.User)}
	if err := t.replace(ctx, config...); err != nil {
		return nil, err
	}
	if err := house.supervisor().Start(ctx, t.program); err != nil {
		return nil, err
	}
	return t, nil
}

// ask asks the gateway for its version, which is not settled in yet.
func (b *sandbox) ask(ctx context.Context, h hop, from imageSet) (string, error) {
	house, of, err := b.enter(ctx, h, from)
	if err != nil {
		return "", err
	}
	ran, err := house.supervisor().Run(ctx, of.program(h.gateway.Version.Command, ""))
	return ran.Output, err
}

// program is what runs in a container of the image that is given a command and a user, which may be empty.
func (i image) program(command []string, user string) supervisor.Program {
	p := supervisor.Program{Command: command, Env: i.env, User: user}
	if len(command) == 0 {
		p.Command = i.command
	}
	if user == "" {
		p.User = i.user
	}
	return p
}

func (t *tenant) replace(ctx context.Context, files ...gateways.File) error {
	written := make([]supervisor.File, len(files))
	for i, f := range files {
		written[i] = supervisor.File{Path: f.Target, Content: f.Content}
	}
	return t.house.supervisor().Put(ctx, written...)
}

func (t *tenant) address(port int) string { return t.house.address(port) }

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
