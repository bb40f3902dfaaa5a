package lab

import (
	"context"

	"github.com/badgateway/badgateway/fixtures/images"
	"github.com/badgateway/badgateway/harness/fault"
)

// A container takes its address with it when it ends, and may get another one when it starts again: whichever is free
// then. Where a plan needs addresses to stay, containers run as Kubernetes runs them: in a pod, which is the network of
// another container that does nothing but be there. Whoever connects to a pod whose process has ended is refused by the
// kernel, at once, as by a machine that lives on.

// runInPod runs a container in a pod of its own if the plan needs addresses that stay, or in the one that its sandbox has for
// it.
func (l *inDocker) runInPod(ctx context.Context, s spec) (*service, error) {
	var pod *service
	var err error
	switch {
	case l.sandbox != nil:
		pod, err = l.sandbox.pod(ctx, s, l.images.backend)
	case l.plan.needs(fault.FixedAddress):
		pod, err = l.pod(ctx, s, l.images.backend)
	default:
		return l.run(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	s.name, s.in = s.name+"-process", pod
	return l.run(ctx, s)
}

// pod is the pod in which a container is to run.
func (p *project) pod(ctx context.Context, of spec, backend images.Obtained) (*service, error) {
	return p.run(ctx, spec{name: of.name, aliases: of.aliases, image: backend, args: []string{"-hold"}, ports: of.ports})
}

// home is the container that has the address: the pod, or the container itself.
func (s *service) home() *service {
	if s.spec.in != nil {
		return s.spec.in
	}
	return s
}
