package lab

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// chainOf is the topology of most tests here with a second gateway in front, which knows the other by two names.
func chainOf(g gateways.Gateway, dir string) Plan {
	p := planOf(g, dir)
	p.Front = &topology.Front{Policy: topology.Policy{ResponseTimeout: 20 * time.Second}, Names: 2}
	return p
}

// What every lab promises to whoever asks for a gateway in front.
func TestFront(t *testing.T) {
	for _, name := range []string{"stdlib", "nginx@1.30"} {
		t.Run(name, func(t *testing.T) {
			g := available(t, name)
			took := time.Second
			t.Run("run", func(t *testing.T) { took = testFront(t, g) })
			t.Run("cancelled", func(t *testing.T) { testCancelledFront(t, g, took) })
		})
	}
}

// testFront returns how long the start took.
func testFront(t *testing.T, g gateways.Gateway) (took time.Duration) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, FrontDir, "of a run before"), 0o755))
	p := chainOf(g, dir)
	p.Needs = []fault.Need{fault.FixedAddress}
	began := time.Now()
	l := start(t, p)
	took = time.Since(began)
	assert.NoDirExists(t, filepath.Join(dir, FrontDir, "of a run before"))
	assert.NotEqual(t, l.Gateway().Address(), l.Address(), "clients talk to the front")

	clock := record.StartClock()
	requests := send(t, l, clock, load.Constant{Rate: 100, For: 400 * time.Millisecond, Request: load.GET("/orders")})
	arrivals, err := l.Arrivals(t.Context(), clock)
	require.NoError(t, err)
	checkArrivals(t, requests, arrivals, l.Facts().ClockUncertainty)
	assert.Len(t, arrivals, len(requests))

	require.NoError(t, l.Gateway().Stop(t.Context()), "which is the one behind")
	unserved := send(t, l, clock, load.Constant{Rate: 10, For: 300 * time.Millisecond, Request: load.GET("/orders")})
	for _, r := range unserved {
		assert.True(t, r.Failed(), "%+v", r)
	}
	require.NoError(t, l.Gateway().Start(t.Context()), "where the front finds it")
	require.Eventually(t, func() bool { // the front may have put it aside for a while
		return !send(t, l, clock, load.Constant{Rate: 1, For: time.Second, Request: load.GET("/orders")})[0].Failed()
	}, 20*time.Second, 100*time.Millisecond)
	stop(t, l)
	for _, at := range []string{dir, filepath.Join(dir, FrontDir)} {
		log, err := os.ReadFile(filepath.Join(at, LogFile))
		require.NoError(t, err)
		for _, r := range requests {
			assert.Contains(t, string(log), r.ID, at)
		}
		configs, err := os.ReadDir(filepath.Join(at, ConfigDir))
		require.NoError(t, err)
		assert.NotEmpty(t, configs)
	}
	assert.NoError(t, l.Stop(t.Context()), "a second time")
	return took
}

// A start that is broken off at any instant leaves nothing, also while either gateway starts.
func testCancelledFront(t *testing.T, g gateways.Gateway, took time.Duration) {
	instants := 8
	if g.Embedded {
		instants = 40
	}
	for i := range instants {
		ctx, cancel := context.WithTimeout(t.Context(), took*time.Duration(i+1)/time.Duration(instants))
		l, err := Start(ctx, chainOf(g, t.TempDir()))
		cancel()
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		if l != nil {
			stop(t, l)
		}
	}
}

// What a front is asked for is checked as what the gateway behind it is asked for, and said of which of them it is.
func TestSupportsFront(t *testing.T) {
	t.Parallel()
	httpd, err := shipped("httpd@2.4-trixie")
	require.NoError(t, err)
	fixed, err := gateways.Read(fstest.MapFS{
		"gateway.yaml": {Data: []byte(`
name: fixed
listen: 8080
ready: {path: /__ready, status: 200}
config: [{file: own.conf, target: /etc/own.conf}]
version: {command: [own, -v], pattern: '(\S+)'}
versions: {"1": {image: "own:1"}}
`)},
		"own.conf": {Data: []byte("orders-1:8080 orders-2:8080")},
	}, "fixed")
	require.NoError(t, err)
	for want, c := range map[string]struct {
		gateway gateways.Gateway
		front   topology.Policy
		policy  topology.Policy
	}{
		"": {gateway: httpd},
		"the gateway in front has no [no-retries]":                                    {gateway: httpd, front: topology.Policy{Retries: topology.NoRetries}},
		"the gateway has no [no-retries]":                                             {gateway: httpd, policy: topology.Policy{Retries: topology.NoRetries}},
		"the gateway in front: it counts in whole seconds, 1.5s cannot be said":       {gateway: httpd, front: topology.Policy{ResponseTimeout: 1500 * time.Millisecond}},
		"it counts in whole seconds, 1.5s cannot be said":                             {gateway: httpd, policy: topology.Policy{ResponseTimeout: 1500 * time.Millisecond}},
		"a gateway in front needs a template: the fixed config leads to the backends": {gateway: fixed.Lines()[0]},
	} {
		err := Supports(Plan{Gateway: c.gateway, Backends: orders, Policy: c.policy, Front: &topology.Front{Policy: c.front}})
		if want == "" {
			assert.NoError(t, err)
			continue
		}
		assert.ErrorAs(t, err, &gateways.Unsupported{})
		assert.EqualError(t, err, want)
	}
}

// Which of the two cannot start is said, and what it logged; the other one is taken down as ever.
func TestBrokenFront(t *testing.T) {
	nginx := available(t, "nginx@1.30")
	engine, err := connect(t.Context())
	require.NoError(t, err)
	image, err := obtain(t.Context(), engine, nginx.Recipe(), nil)
	require.NoError(t, errors.Join(err, engine.Close()))
	own, err := gateways.Read(fstest.MapFS{
		"gateway.yaml": {Data: []byte(`
name: own
listen: 8080
ready: {path: /__ready, status: 200}
config: [{template: own.tmpl, target: /etc/nginx/nginx.conf}]
command: [nginx, -g, "daemon off;"]
version: {command: [nginx, -v], pattern: 'nginx/(\S+)'}
capabilities: [workers]
versions: {"1.30": {image: "` + image.Ref + `"}}
`)},
		"own.tmpl": {Data: []byte(`{{if .Policy.Workers}}nonsense {{end}}events {} http {
upstream all { {{range .Backends}}server {{.Address}};{{end}} } server { listen {{.Listen}}; location / { proxy_pass http://all; } } }`)},
	}, "own")
	require.NoError(t, err)
	p := Plan{
		Scenario: "lab test", Gateway: own.Lines()[0], Backends: orders, Dir: t.TempDir(),
		Front: &topology.Front{Policy: topology.Policy{Workers: 1}},
	}
	l, err := Start(t.Context(), p)
	require.ErrorContains(t, err, "gateway own in front: own/gateway.yaml: command ")
	require.ErrorContains(t, err, "exited with code 1; its last log lines:\n")
	require.ErrorContains(t, err, `unknown directive "nonsense"`)
	stop(t, l)
	for _, dir := range []string{p.Dir, filepath.Join(p.Dir, FrontDir)} {
		assert.FileExists(t, filepath.Join(dir, LogFile))
	}
}
