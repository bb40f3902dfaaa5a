package lab

import (
	"context"

	"github.com/badgateway/badgateway/harness/fault"
)

// A container takes its address with it when it ends, and may get another one when it starts again: whichever is free
// then. Where a plan needs addresses to stay, containers run as Kubernetes runs them: in a pod, which is the network of
// another container that does little but be there (in a sandbox it is a house as well). Whoever connects to a pod whose process has ended is refused by the
// kernel, at once, as by a machine that lives on.

// runInPod runs a container, in a pod of its own if the plan needs addresses that stay.
func (l *inDocker) runInPod(ctx context.Context, s spec) (*service, error) {
	if !l.plan.needs(fault.FixedAddress) {
		return l.run(ctx, s)
	}
	pod, err := l.run(ctx, spec{name: s.name, aliases: s.aliases, image: l.images.backend, args: []string{"-hold"}, ports: s.ports})
	if err != nil {
		return nil, err
	}
	s.name, s.in = s.name+"-process", pod
	return l.run(ctx, s)
}

// home is the container that has the address: the pod, or the container itself.
func (s *service) home() *service {
	if s.spec.in != nil {
		return s.spec.in
	}
	return s
}
