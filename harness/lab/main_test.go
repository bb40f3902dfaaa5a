package lab

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/topology"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		startAndHang(dir)
	}
	goleak.VerifyTestMain(m)
}

// childDir, when set, makes the test binary a process that starts a lab in that folder and never stops it.
const childDir = "BADGATEWAY_TEST_LAB_CHILD"

func startAndHang(dir string) {
	g, err := shipped("nginx@1.26")
	if err == nil {
		_, err = Start(context.Background(), planOf(g, dir))
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println("ready", self.known[""].id)
	select {} // until it is killed
}

var orders = topology.Replicas("orders", 2)

// planOf is the topology of most tests here: two replicas, the first behind Toxiproxy.
func planOf(g gateways.Gateway, dir string) Plan {
	return Plan{
		Scenario: "lab test", Gateway: g, Backends: orders, Links: orders.Replica(1).Replicas(), Dir: dir,
		Policy: topology.Policy{UpstreamKeepAlive: topology.On},
	}
}

func shipped(name string) (gateways.Gateway, error) {
	folders, err := gateways.Shipped()
	if err != nil {
		return gateways.Gateway{}, err
	}
	for _, f := range folders {
		for _, g := range f.Lines() {
			if g.String() == name {
				return g, nil
			}
		}
	}
	return gateways.Gateway{}, fmt.Errorf("no gateway %s is shipped", name)
}

// available returns the gateway, or skips the test where it cannot be had.
func available(t *testing.T, name string) gateways.Gateway {
	t.Helper()
	g, err := shipped(name)
	require.NoError(t, err)
	if g.Embedded {
		return g
	}
	if err := Engine(t.Context()); err != nil {
		t.Skip(err)
	}
	if err := Obtain(t.Context(), g, func(line string) { t.Log(line) }); err != nil {
		t.Skip(err)
	}
	return g
}
