package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go/network"
)

// reach is how the harness reaches a port of a container.
type reach string

const (
	containerAddress reach = "container address"
	publishedPort    reach = "published port"
)

// openNetwork creates the lab's private network.
func (l *inDocker) openNetwork(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	creating, cancel := context.WithTimeout(context.WithoutCancel(ctx), createTimeout) // see run
	defer cancel()
	created, err := network.New(creating, network.WithLabels(l.own))
	if err != nil {
		return err
	}
	l.network = created
	l.reach, err = l.chooseReach(ctx)
	return err
}

// chooseReach takes the containers' own addresses where this machine is on the lab's network too, else ports published
// on the loopback interface: Docker's own proxy is in the way then, and rewrites resets.
// BADGATEWAY_REACH=direct or published decides otherwise.
func (l *inDocker) chooseReach(ctx context.Context) (reach, error) {
	switch forced := os.Getenv("BADGATEWAY_REACH"); forced {
	case "direct":
		return containerAddress, nil
	case "published":
		return publishedPort, nil
	case "":
	default:
		return "", fmt.Errorf("BADGATEWAY_REACH=%s: want direct or published", forced)
	}
	inspected, err := l.engine.NetworkInspect(ctx, l.network.ID, client.NetworkInspectOptions{})
	if err != nil {
		return "", err
	}
	ours, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for _, config := range inspected.Network.IPAM.Config {
		if slices.ContainsFunc(ours, func(a net.Addr) bool { return isAddress(a, config.Gateway) }) {
			return containerAddress, nil
		}
	}
	return publishedPort, nil
}

func isAddress(a net.Addr, is netip.Addr) bool {
	prefix, ok := a.(*net.IPNet)
	if !ok {
		return false
	}
	ip, ok := netip.AddrFromSlice(prefix.IP)
	return ok && ip.Unmap() == is
}
