package lab

import (
	"net"
	"net/netip"
	"testing"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/gateways"
)

func TestLookingNeedsAnEngine(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
	g, err := shipped("nginx@1.30")
	require.NoError(t, err)
	outlooks, err := Look(t.Context(), []gateways.Gateway{g})
	require.ErrorContains(t, err, "no container engine")
	assert.Len(t, outlooks, 1)
	_, err = Examine(t.Context())
	require.ErrorContains(t, err, "no container engine")
	_, err = ObtainImage(t.Context(), g.Recipe(), nil)
	require.ErrorContains(t, err, "no container engine")
}

func TestImagesOfLabs(t *testing.T) {
	embedded, err := shipped("stdlib")
	require.NoError(t, err)
	contained, err := shipped("nginx@1.30")
	require.NoError(t, err)
	var names []string
	for _, r := range Images([]gateways.Gateway{embedded, contained}) {
		names = append(names, r.Name)
	}
	assert.Equal(t, []string{"backend", toxiproxyRecipe.Name, "nginx@1.30"}, names)
}

func TestWhoseGateway(t *testing.T) {
	address := func(s string) net.Addr { return &net.IPNet{IP: net.ParseIP(s), Mask: net.CIDRMask(16, 32)} }
	subnet := netip.MustParsePrefix("172.17.0.0/16")
	told := network.IPAMConfig{Subnet: subnet, Gateway: netip.MustParseAddr("172.17.0.1")}
	assert.True(t, isGateway(address("172.17.0.1"), told))
	assert.False(t, isGateway(address("172.17.0.2"), told), "a container beside the others")
	untold := network.IPAMConfig{Subnet: subnet}
	assert.True(t, isGateway(address("172.17.0.1"), untold))
	assert.False(t, isGateway(address("172.18.0.1"), untold))
	assert.False(t, isGateway(address("172.17.0.1"), network.IPAMConfig{}))
	assert.False(t, isGateway(&net.UnixAddr{}, untold))
}

func TestExamineCountsWhatWasLeft(t *testing.T) {
	engine, err := connect(t.Context())
	if err != nil {
		t.Skip(err)
	}
	defer engine.Close()
	dir := t.TempDir()
	host, err := hostID(dir)
	require.NoError(t, err)
	me, err := register(dir)
	require.NoError(t, err)
	defer me.lock.Close()
	for _, owner := range []string{me.id, "dead-" + me.id} {
		made, err := engine.NetworkCreate(t.Context(), "badgateway-look-"+owner, client.NetworkCreateOptions{
			Labels: labels{labelHost: host, labelOwner: owner},
		})
		require.NoError(t, err)
		defer engine.NetworkRemove(t.Context(), made.ID, client.NetworkRemoveOptions{})
	}
	dead, living, err := leftovers(t.Context(), engine, dir)
	require.NoError(t, err)
	assert.Equal(t, 1, dead)
	assert.Equal(t, 1, living)

	c, err := Examine(t.Context())
	require.NoError(t, err)
	assert.NotEmpty(t, c.Name)
	assert.NotEmpty(t, c.API)
	assert.NotEmpty(t, c.Images)
}
