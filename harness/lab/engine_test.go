package lab

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEngineThatCannotBeUsed(t *testing.T) {
	const elsewhere = "is another machine, and the loopback ports published there cannot be reached from here"
	for host, want := range map[string]string{
		"tcp://192.0.2.1:2375":      elsewhere,
		"ssh://somebody@192.0.2.1":  elsewhere,
		"tcp://docker:2375":         elsewhere,
		"tcp://127.0.0.1:1":         "Cannot connect to the Docker daemon at tcp://127.0.0.1:1",
		"unix:///no/such/socket":    "no such file",
		"unix:// with\na line feed": "invalid",
	} {
		t.Run(host, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", host)
			err := Engine(t.Context())
			require.ErrorContains(t, err, want)
			t.Log(err)
			assert.Regexp(t, `^no container engine: .* \(start Docker, or set DOCKER_HOST\)$`, err.Error())
		})
	}
}

func TestEngineInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, Engine(ctx), context.Canceled, "which says nothing about the engine")
}

// An engine that hangs is another matter than none: it is no use to start one.
func TestEngineThatHangs(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // it takes connections, and nobody answers
	require.NoError(t, err)
	defer listener.Close()
	t.Setenv("DOCKER_HOST", "tcp://"+listener.Addr().String())
	assert.ErrorContains(t, Engine(t.Context()), "the container engine does not answer within 5s")
}
