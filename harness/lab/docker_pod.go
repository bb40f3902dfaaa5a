package lab

import (
	"context"
	"slices"

	"github.com/badgateway/badgateway/fixtures/images"
	"github.com/badgateway/badgateway/harness/fault"
)

// A container takes its address with it when it ends, and may get another one when it starts again: whichever is free
// then. Where a plan needs addresses to stay, containers run as Kubernetes runs them: in a pod, which is the network of
// another container that does little but be there. Whoever connects to a pod whose process has ended is refused by the
// kernel, at once, as by a machine that lives on.

// runInPod runs a container in a pod of its own if the plan needs addresses that stay, else as runBeside does.
func (l *inDocker) runInPod(ctx context.Context, s spec) (*service, error) {
	if l.sandbox != nil || !l.plan.needs(fault.FixedAddress) {
		return l.runBeside(ctx, s)
	}
	return l.runIn(ctx, s, l.pod)
}

// runBeside runs a container beside the others: in the pod that a sandbox has for it, if the lab has one.
func (l *inDocker) runBeside(ctx context.Context, s spec) (*service, error) {
	if l.sandbox == nil {
		return l.run(ctx, s)
	}
	return l.runIn(ctx, s, l.sandbox.pod)
}

func (l *inDocker) runIn(ctx context.Context, s spec, podOf func(context.Context, spec, images.Obtained) (*service, error)) (*service, error) {
	pod, err := podOf(ctx, s, l.images.backend)
	if err != nil {
		return nil, err
	}
	s.name, s.in = s.name+"-process", pod
	return l.run(ctx, s)
}

// pod is the pod in which a container is to run. It makes way to supervisors where there are to be some.
func (p *project) pod(ctx context.Context, of spec, backend images.Obtained) (*service, error) {
	args := []string{"-hold"}
	if slices.Contains(of.ports, relayPort) {
		args = []string{"-relay", portOf(relayPort)}
	}
	return p.run(ctx, spec{name: of.name, aliases: of.aliases, image: backend, args: args, ports: of.ports})
}

// home is the container that has the address: the pod, or the container itself.
func (s *service) home() *service {
	if s.spec.in != nil {
		return s.spec.in
	}
	return s
}
