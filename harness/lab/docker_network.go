package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	tcnetwork "github.com/testcontainers/testcontainers-go/network"
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
	created, err := tcnetwork.New(creating, tcnetwork.WithLabels(l.own))
	if err != nil {
		return err
	}
	l.network = created
	l.reach, err = chooseReach(ctx, l.engine, l.network.ID)
	return err
}

// chooseReach takes the containers' own addresses where this machine is on their network too, else ports published
// on the loopback interface: Docker's own proxy is in the way then, and rewrites resets.
// BADGATEWAY_REACH=direct or published decides otherwise.
func chooseReach(ctx context.Context, engine *client.Client, networkID string) (reach, error) {
	switch forced := os.Getenv("BADGATEWAY_REACH"); forced {
	case "direct":
		return containerAddress, nil
	case "published":
		return publishedPort, nil
	case "":
	default:
		return "", fmt.Errorf("BADGATEWAY_REACH=%s: want direct or published", forced)
	}
	inspected, err := engine.NetworkInspect(ctx, networkID, client.NetworkInspectOptions{})
	if err != nil {
		return "", err
	}
	ours, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for _, config := range inspected.Network.IPAM.Config {
		if slices.ContainsFunc(ours, func(a net.Addr) bool { return isGateway(a, config) }) {
			return containerAddress, nil
		}
	}
	return publishedPort, nil
}

// isGateway reports whether an address of this machine is the network's gateway. Docker's default network is said to have
// none before its first container; whichever of ours is in its subnet will be it.
func isGateway(ours net.Addr, of network.IPAMConfig) bool {
	prefix, ok := ours.(*net.IPNet)
	if !ok {
		return false
	}
	ip, ok := netip.AddrFromSlice(prefix.IP)
	if !of.Gateway.IsValid() {
		return ok && of.Subnet.Contains(ip.Unmap())
	}
	return ok && ip.Unmap() == of.Gateway
}
