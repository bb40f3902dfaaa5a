package lab

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/topology"
)

// hop is a gateway on the way to the backends: the one under test, or the one in front of it. They are of one kind and
// version, and differ in what is asked of them and in what they have for backends.
//
//	client -> [front ->] gateway -> backends
type hop struct {
	gateway gateways.Gateway
	policy  topology.Policy
	// host is its name in the network of a lab in containers, doors are further ones.
	host  string
	doors []string
	// dir is where its config and its log are left.
	dir string
}

// FrontDir is the place in a lab's folder where config files and log of the front are left, under the same names as those
// of the gateway under test.
const FrontDir = "front"

// inner is the gateway under test.
func (p Plan) inner() hop {
	h := hop{gateway: p.Gateway, policy: p.Policy, host: "gateway", dir: p.Dir}
	if p.Front != nil {
		h.doors = p.Front.Doors()
	}
	return h
}

// outer is the gateway in front of it.
func (p Plan) outer() hop {
	return hop{gateway: p.Gateway, policy: p.Front.Policy, host: "front", dir: filepath.Join(p.Dir, FrontDir)}
}

// hops lists those of the plan, the one under test first.
func (p Plan) hops() []hop {
	if p.Front == nil {
		return []hop{p.inner()}
	}
	return []hop{p.inner(), p.outer()}
}

// isFront reports whether it is the gateway in front.
func (h hop) isFront() bool { return h.host == "front" }

func (h hop) String() string {
	if h.isFront() {
		return fmt.Sprintf("gateway %s in front", h.gateway)
	}
	return "gateway " + h.gateway.String()
}

// words name it in a sentence about what it cannot do.
func (h hop) words() string {
	if h.isFront() {
		return "the gateway in front"
	}
	return "the gateway"
}

// render renders its config for the backends that serve, and saves it.
func (h hop) render(v topology.Version, serving []gateways.Upstream) ([]gateways.File, error) {
	config, err := h.gateway.Render(h.rendering(v, serving))
	if err != nil {
		return nil, err
	}
	return config, saveConfig(h.dir, config)
}

func (h hop) rendering(v topology.Version, serving []gateways.Upstream) gateways.Rendering {
	return gateways.Rendering{Version: v, Listen: h.gateway.Listen, Backends: serving, Policy: h.policy}
}

// knownAs is the gateway under test as the front is to reach it: by each of its names, at the address that goes with it.
func (p Plan) knownAs(address func(door string) string) []gateways.Upstream {
	var all []gateways.Upstream
	for _, door := range p.Front.Doors() {
		all = append(all, gateways.Upstream{Name: door, Address: address(door)})
	}
	return all
}

// clearFront removes what a front of a run before has left in the lab's folder, and makes room for one of this run.
func clearFront(p Plan) error {
	dir := filepath.Join(p.Dir, FrontDir)
	if err := os.RemoveAll(dir); err != nil || p.Front == nil {
		return err
	}
	return os.MkdirAll(dir, 0o755)
}
