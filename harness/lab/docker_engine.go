package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

// engineTimeout bounds the question whether there is an engine.
const engineTimeout = 5 * time.Second

// Engine reports why no container can be started here, in one line; nil if one can.
func Engine(ctx context.Context) error {
	return onEngine(ctx, func(*client.Client) error { return nil })
}

// onEngine does something with a client of the engine, and closes it.
func onEngine(ctx context.Context, do func(*client.Client) error) error {
	engine, err := connect(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(engine), engine.Close())
}

// settle makes testcontainers fit for our use, once, before its first call. Its reaper is an image that may not be had,
// and what it is for our labels do (see Sweep); a user who has set the variable is left alone. Its log, with the details
// of the engine, is none of our user's concern.
var settle = sync.OnceFunc(func() {
	if _, set := os.LookupEnv("TESTCONTAINERS_RYUK_DISABLED"); !set {
		_ = os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true") // fails on a malformed name alone
	}
	log.SetDefault(log.NewNoopLogger())
})

// connect returns a client of the engine that testcontainers uses, so that both speak of the same one.
func connect(parent context.Context) (*client.Client, error) {
	if err := context.Cause(parent); err != nil {
		return nil, err
	}
	settle()
	// testcontainers remembers for the whole process what it found here, so an interrupt must not look like no engine.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), engineTimeout)
	defer cancel()
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		// If it does not answer, testcontainers goes on to the next engine it can think of. Who names one means that one.
		if err := answers(ctx, host); err != nil {
			return nil, noEngine(err)
		}
	}
	engine, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		// Why the usual engine cannot be used says more than that there is no unusual one either.
		if usual := answers(ctx, client.DefaultDockerHost); usual != nil {
			err = usual
		}
		return nil, noEngine(err)
	}
	if err := answers(ctx, engine.DaemonHost()); err != nil {
		return nil, noEngine(errors.Join(err, engine.Close()))
	}
	return engine.Client, nil
}

// answers reports why an engine cannot be used, if so.
func answers(ctx context.Context, host string) error {
	if err := onThisMachine(host); err != nil {
		return err
	}
	engine, err := client.New(client.FromEnv, client.WithHost(host))
	if err != nil {
		return err
	}
	_, err = engine.Ping(ctx, client.PingOptions{})
	return errors.Join(err, engine.Close())
}

func noEngine(reason error) error {
	line := strings.Join(strings.Fields(reason.Error()), " ")
	if errors.Is(reason, context.DeadlineExceeded) {
		return fmt.Errorf("the container engine does not answer within %s: %s (it may hang: restart it)", engineTimeout, line)
	}
	return fmt.Errorf("no container engine: %s (start Docker, or set DOCKER_HOST)", line)
}

// onThisMachine reports an engine elsewhere: ports published there, on its own loopback address, are out of reach.
func onThisMachine(host string) error {
	address, err := url.Parse(host)
	if err != nil {
		return err
	}
	switch address.Scheme {
	case "unix", "npipe":
		return nil
	}
	ip, err := netip.ParseAddr(address.Hostname())
	if address.Hostname() == "localhost" || (err == nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("%s is another machine, and the loopback ports published there cannot be reached from here", host)
}
