package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/images"
)

// How fast a lab of a gateway, two replicas and Toxiproxy on one link is ready, and gone, beside docker-compose with the
// same containers. Medians:
//
//	go test ./harness/lab -run '^$' -bench Start -benchtime 10x
func BenchmarkStart(b *testing.B) {
	g, err := shipped("nginx@1.26")
	require.NoError(b, err)
	if err := Engine(b.Context()); err != nil {
		b.Skip(err)
	}
	if err := Obtain(b.Context(), g, nil); err != nil {
		b.Skip(err)
	}
	b.Run("badgateway", func(b *testing.B) { measure(b, func() (up, down func() error) { return ours(b, g) }) })
	b.Run("docker-compose", func(b *testing.B) {
		if _, err := exec.LookPath("docker-compose"); err != nil {
			b.Skip(err)
		}
		measure(b, func() (up, down func() error) { return compose(b, g) })
	})
}

// measure reports the median of how long it takes until everything is up, and until everything is gone.
func measure(b *testing.B, prepare func() (up, down func() error)) {
	var ups, downs []time.Duration
	for b.Loop() {
		up, down := prepare()
		began := time.Now()
		require.NoError(b, up())
		ups = append(ups, time.Since(began))
		began = time.Now()
		require.NoError(b, down())
		downs = append(downs, time.Since(began))
	}
	b.ReportMetric(float64(median(ups).Milliseconds()), "ms-up")
	b.ReportMetric(float64(median(downs).Milliseconds()), "ms-down")
	b.ReportMetric(0, "ns/op") // the two together say less than each
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func ours(b *testing.B, g gateways.Gateway) (up, down func() error) {
	var l Lab
	up = func() (err error) {
		l, err = Start(b.Context(), planOf(g, b.TempDir()))
		return err
	}
	return up, func() error { return l.Stop(context.Background()) }
}

// compose writes a docker-compose file of the same containers; up returns when the gateway answers.
func compose(b *testing.B, g gateways.Gateway) (up, down func() error) {
	dir := b.TempDir()
	p := planOf(g, dir)
	config, err := g.Render(gateways.Rendering{
		Version: g.Line, Listen: g.Listen, Backends: upstreams(p.Backends.Members(), nil), Policy: p.Policy,
	})
	require.NoError(b, err)
	require.NoError(b, saveConfig(dir, config))
	refs := map[string]string{}
	engine, err := connect(b.Context())
	require.NoError(b, err)
	for name, recipe := range map[string]images.Recipe{"gateway": g.Recipe(), "backend": backendRecipe, "toxiproxy": toxiproxyRecipe} {
		image, err := obtain(b.Context(), engine, recipe, nil)
		require.NoError(b, err)
		refs[name] = image.Ref
	}
	b.Cleanup(func() { require.NoError(b, engine.Close()) })
	backend := func(name string) string {
		return fmt.Sprintf("  %s: {image: %q, command: [-name, %s, -listen, ':8080', -control, ':8081']}\n", name, refs["backend"], name)
	}
	text := "version: '2.4'\nservices:\n" + backend("orders-1") + backend("orders-2") +
		fmt.Sprintf("  toxiproxy: {image: %q, command: [-host, 0.0.0.0]}\n", refs["toxiproxy"]) +
		fmt.Sprintf("  gateway: {image: %q, entrypoint: [%s], volumes: ['%s:%s'], depends_on: [orders-1, orders-2, toxiproxy], ports: ['127.0.0.1::%d']}\n",
			refs["gateway"], `nginx, -g, "daemon off;"`, filepath.Join(dir, ConfigDir, config[0].Name), config[0].Target, g.Listen)
	file := filepath.Join(dir, "docker-compose.yml")
	require.NoError(b, os.WriteFile(file, []byte(text), 0o600))
	project := "badgateway-bench-" + strings.ToLower(filepath.Base(dir))
	run := func(args ...string) error {
		cmd := exec.CommandContext(b.Context(), "docker-compose", append([]string{"-p", project, "-f", file}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	}
	up = func() error {
		if err := run("up", "-d"); err != nil {
			return err
		}
		found, err := engine.ContainerList(b.Context(), client.ContainerListOptions{
			Filters: make(client.Filters).Add("label", "com.docker.compose.project="+project, "com.docker.compose.service=gateway"),
		})
		if err != nil || len(found.Items) != 1 {
			return fmt.Errorf("%d gateways: %w", len(found.Items), err)
		}
		gateway := service{engine: engine, id: found.Items[0].ID, by: publishedPort, spec: spec{ports: []int{g.Listen}}}
		if err := gateway.locate(b.Context()); err != nil {
			return err
		}
		return awaitReady(b.Context(), gateway.address(g.Listen), g.Ready, gateway.gone)
	}
	return up, func() error { return run("down", "--volumes", "--timeout", "0") }
}
