package lab

import (
	"net/netip"
	"testing"

	"github.com/moby/moby/api/types/network"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAddressesAreGivenOutOnce(t *testing.T) {
	var unfixed addresses
	none, err := unfixed.take()
	require.NoError(t, err)
	assert.False(t, none.IsValid(), "the engine chooses")

	subnet := netip.MustParsePrefix("192.0.2.0/29")
	for gateway, want := range map[string][]string{
		"192.0.2.1": {"192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"},
		"192.0.2.3": {"192.0.2.1", "192.0.2.2", "192.0.2.4", "192.0.2.5", "192.0.2.6"},
		"192.0.2.6": {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"},
	} {
		in := network.IPAMConfig{Subnet: subnet, Gateway: netip.MustParseAddr(gateway)}
		fixed := addresses{in: in, last: subnet.Addr()}
		var got []string
		for range want {
			at, err := fixed.take()
			require.NoError(t, err)
			got = append(got, at.String())
		}
		assert.Equal(t, want, got)
		_, err := fixed.take()
		assert.EqualError(t, err, "no address is left in 192.0.2.0/29")
	}
}
