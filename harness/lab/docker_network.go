package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// reach is how the harness reaches a port of a container.
type reach string

const (
	containerAddress reach = "container address"
	publishedPort    reach = "published port"
)

// openNetwork creates the private network, if so with fixed addresses. Where the engine has no addresses left for one more,
// room is asked to give some back, as long as it can.
func (p *project) openNetwork(ctx context.Context, how addressing, room func(context.Context) (bool, error)) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	create := func() (err error) {
		creating, cancel := context.WithTimeout(context.WithoutCancel(ctx), createTimeout) // see run
		defer cancel()
		p.network, err = p.createNetwork(creating, nil)
		return err
	}
	err := create()
	for isExhausted(err) {
		made, roomErr := room(ctx)
		if !made {
			return errors.Join(err, roomErr)
		}
		if err = create(); err != nil {
			err = errors.Join(err, roomErr) // else what could not be removed is for the next sweep
		}
	}
	if err != nil {
		return err
	}
	creating, cancel := context.WithTimeout(context.WithoutCancel(ctx), createTimeout)
	defer cancel()
	if how == fixedAddresses {
		if err := p.fixAddresses(creating); err != nil {
			return err
		}
	}
	p.reach, err = chooseReach(ctx, p.engine, p.network.id)
	return err
}

// isExhausted reports that an engine has given out all addresses that it has for networks: with Docker's own settings it has
// enough for some thirty (libnetwork ipamutils; the second text since Docker 25).
func isExhausted(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "non-overlapping IPv4 address pool") ||
		strings.Contains(err.Error(), "predefined address pools have been fully subnetted"))
}

// private is a network of a project's own.
type private struct{ name, id string }

// addressing is who decides on the addresses of a network.
type addressing int

const (
	anyAddresses   addressing = iota // the engine, each time that a container is connected
	fixedAddresses                   // we, once for each container
)

// createNetwork creates one, with that order for its addresses if there is one. The engine is asked directly: testcontainers
// lists all networks each time, and old engines can lock up for good when that meets the removal of another one (20.10, seen
// with six labs beside each other).
func (p *project) createNetwork(ctx context.Context, addresses *network.IPAM) (private, error) {
	name := networkName(p.own)
	created, err := p.engine.NetworkCreate(ctx, name, client.NetworkCreateOptions{Driver: "bridge", Labels: p.own.clone(), IPAM: addresses})
	return private{name: name, id: created.ID}, err
}

func networkName(own labels) string { return "badgateway-" + own[labelLab] }

// subnetAttempts bounds how often a subnet may be lost to somebody else.
const subnetAttempts = 5

// fixAddresses replaces the network by one in which every container has an address of its own, which it gets again
// when it is connected again. On any other it would get whichever is free then; and the engine takes orders for addresses
// only in a subnet that somebody has configured. So it is asked to choose one, and then given its own choice as an order.
func (p *project) fixAddresses(ctx context.Context) error {
	var err error
	for range subnetAttempts {
		var chosen network.IPAMConfig
		if chosen, err = p.subnet(ctx); err != nil {
			return err
		}
		if err := removeNetwork(ctx, p.engine, p.network.id); err != nil {
			return err
		}
		replaced, failed := p.createNetwork(ctx, &network.IPAM{Driver: "default", Config: []network.IPAMConfig{chosen}})
		if failed == nil {
			p.network, p.addresses.in, p.addresses.last = replaced, chosen, chosen.Subnet.Addr()
			return nil
		}
		if !strings.Contains(failed.Error(), "overlap") { // who came first has it
			return failed
		}
		err = failed
		if p.network, failed = p.createNetwork(ctx, nil); failed != nil {
			return failed
		}
	}
	return err
}

// subnet is what the engine has chosen for the network.
func (p *project) subnet(ctx context.Context) (network.IPAMConfig, error) {
	inspected, err := p.engine.NetworkInspect(ctx, p.network.id, client.NetworkInspectOptions{})
	if err != nil {
		return network.IPAMConfig{}, err
	}
	for _, c := range inspected.Network.IPAM.Config {
		if c.Subnet.IsValid() && c.Subnet.Addr().Is4() {
			return network.IPAMConfig{Subnet: c.Subnet, Gateway: c.Gateway}, nil
		}
	}
	return network.IPAMConfig{}, errors.New("the engine has chosen no subnet")
}

// addresses gives out the addresses of a network, each once. Nobody else does there: no container is without an order.
type addresses struct {
	mu   sync.Mutex
	in   network.IPAMConfig
	last netip.Addr
}

// take takes the next one, or none where addresses are not fixed.
func (a *addresses) take() (netip.Addr, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.last.IsValid() {
		return netip.Addr{}, nil
	}
	if a.last = a.last.Next(); a.last == a.in.Gateway {
		a.last = a.last.Next()
	}
	if !a.in.Subnet.Contains(a.last.Next()) { // the last one is the broadcast address
		return netip.Addr{}, fmt.Errorf("no address is left in %s", a.in.Subnet)
	}
	return a.last, nil
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
