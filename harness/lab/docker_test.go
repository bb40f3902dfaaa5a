package lab

import (
	"bufio"
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/images"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// What a host that is not on the containers' network does, done on one that is.
func TestPublishedPorts(t *testing.T) {
	g := available(t, "nginx@1.26")
	t.Setenv("BADGATEWAY_REACH", "published")
	l := start(t, planOf(g, t.TempDir())).(*inDocker)
	assert.Equal(t, "published port", l.Facts().Reach)
	published := 0
	for _, c := range labelled(t, labelLab+"="+l.own[labelLab]) {
		if c.network {
			continue
		}
		for _, bindings := range portBindings(t, c.id) {
			for _, b := range bindings {
				published++
				assert.Equal(t, "127.0.0.1", b.HostIP.String(), c.what)
			}
		}
	}
	assert.Equal(t, 1+2*2+2, published, "the gateway, two ports of each backend, Toxiproxy's and its link")
	testRun(t, g)
}

func TestUnknownReach(t *testing.T) {
	g := available(t, "nginx@1.26")
	t.Setenv("BADGATEWAY_REACH", "magic")
	l, err := Start(t.Context(), planOf(g, t.TempDir()))
	require.EqualError(t, err, "network: BADGATEWAY_REACH=magic: want direct or published")
	stop(t, l)
}

// An image may declare ports. They are for nobody but the lab's own network.
func TestDeclaredPortsAreNotPublished(t *testing.T) {
	available(t, "nginx@1.26")
	engine, err := connect(t.Context())
	require.NoError(t, err)
	defer engine.Close()
	l := start(t, planOf(available(t, "nginx@1.26"), t.TempDir())).(*inDocker)
	committed, err := engine.ContainerCommit(t.Context(), l.contained.processOfGateway.(*service).id, client.ContainerCommitOptions{
		Reference: "badgateway-test/declares-ports:" + l.own[labelLab], Changes: []string{"EXPOSE 8080 9090/udp"},
	})
	require.NoError(t, err)
	defer func() {
		_, err := engine.ImageRemove(context.WithoutCancel(t.Context()), committed.ID, client.ImageRemoveOptions{Force: true})
		assert.NoError(t, err)
	}()
	image := images.Obtained{Ref: "badgateway-test/declares-ports:" + l.own[labelLab], ID: committed.ID}
	s, err := l.run(t.Context(), spec{name: "another", image: image, command: []string{"sleep", "60"}, ports: []int{8080}})
	require.NoError(t, err)
	for port, bindings := range portBindings(t, s.id) {
		assert.Empty(t, bindings, port)
	}
	stop(t, l)
}

// A container of the lab is on the lab's network and on no other: what takes it from there takes it from everybody, and a
// second one would cost as much as the first.
func TestContainersAreOnOneNetwork(t *testing.T) {
	l := start(t, planOf(available(t, "nginx@1.26"), t.TempDir())).(*inDocker)
	engine, err := connect(t.Context())
	require.NoError(t, err)
	defer engine.Close()
	containers, err := engine.ContainerList(t.Context(), client.ContainerListOptions{
		All: true, Filters: client.Filters{}.Add("label", labelLab+"="+l.own[labelLab]),
	})
	require.NoError(t, err)
	require.Len(t, containers.Items, 4, "the gateway, two backends and Toxiproxy")
	for _, c := range containers.Items {
		assert.Equal(t, []string{l.network.name}, slices.Collect(maps.Keys(c.NetworkSettings.Networks)), c.Names)
	}
	stop(t, l)
}

func portBindings(t *testing.T, id string) network.PortMap {
	t.Helper()
	engine, err := connect(t.Context())
	require.NoError(t, err)
	defer engine.Close()
	inspected, err := engine.ContainerInspect(t.Context(), id, client.ContainerInspectOptions{})
	require.NoError(t, err)
	return inspected.Container.NetworkSettings.Ports
}

func TestJournalSurvivesSIGKILL(t *testing.T) {
	l := start(t, planOf(available(t, "nginx@1.26"), t.TempDir())).(*inDocker)
	clock := record.StartClock()
	requests := send(t, l, clock, load.Constant{Rate: 200, For: 300 * time.Millisecond, Request: load.GET("/orders")})
	victim := l.replicas[1].current().at.(*box)
	_, err := l.engine.ContainerKill(t.Context(), victim.processOfBackend.(*service).id, client.ContainerKillOptions{Signal: "KILL"})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return victim.gone(t.Context()) != nil }, 5*time.Second, 10*time.Millisecond)

	began := time.Now()
	arrivals, err := l.Arrivals(t.Context(), clock)
	require.NoError(t, err)
	t.Logf("arrivals read in %d ms", time.Since(began).Milliseconds())
	checkArrivals(t, requests, arrivals, l.Facts().ClockUncertainty)
	of := map[string]int{}
	for _, a := range arrivals {
		of[a.Backend]++
	}
	assert.Equal(t, map[string]int{"orders-1": 30, "orders-2": 30}, of)
}

// A process killed before it could clean up is cleaned up after, and one that is alive is left alone.
func TestSweep(t *testing.T) {
	available(t, "nginx@1.26")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+t.TempDir())
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	defer func() { _, _ = child.Process.Kill(), child.Wait() }()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	owner, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	require.True(t, ok, line)

	const all = 1 + 1 + 1 + 2 + 1 // network, version, gateway, backends, Toxiproxy
	require.Len(t, labelled(t, labelOwner+"="+owner), all)
	removed, err := Sweep(t.Context())
	require.NoError(t, err)
	t.Log(removed)
	require.Len(t, labelled(t, labelOwner+"="+owner), all, "its owner is alive")

	require.NoError(t, child.Process.Kill())
	_ = child.Wait()
	said, err := Clean(t.Context())
	require.NoError(t, err)
	t.Log(strings.Join(said, "\n"))
	assert.GreaterOrEqual(t, len(said), all)
	assert.Empty(t, labelled(t, labelOwner+"="+owner))
	assert.NoFileExists(t, lockPath(ownersDir(), owner))
}

// A gateway that does not come up is told as such, with its own words.
func TestGatewayThatFails(t *testing.T) {
	nginx := available(t, "nginx@1.26") // or skip
	engine, err := connect(t.Context())
	require.NoError(t, err)
	image, err := obtain(t.Context(), engine, nginx.Recipe(), nil)
	require.NoError(t, err)
	require.NoError(t, engine.Close())
	own := func(t *testing.T, template string, change ...string) gateways.Gateway {
		t.Helper()
		definition := strings.NewReplacer(change...).Replace(`
name: own
listen: 8080
ready: {path: /__ready, status: 200}
config: [{template: own.tmpl, target: /etc/nginx/nginx.conf}]
command: [nginx, -g, "daemon off;"]
version: {command: [nginx, -v], pattern: 'nginx/(\S+)'}
versions: {"1.26": {image: "` + image.Ref + `"}}
`)
		folder, err := gateways.Read(fstest.MapFS{
			"gateway.yaml": {Data: []byte(definition)}, "own.tmpl": {Data: []byte(template)},
		}, "testdata/own")
		require.NoError(t, err)
		return folder.Lines()[0]
	}
	tests := map[string]struct {
		gateway gateways.Gateway
		want    []string
	}{
		"config rejected": {
			gateway: own(t, "nonsense {"),
			want:    []string{`gateway own: testdata/own/gateway.yaml: command ["nginx" "-g" "daemon off;"]: exited with code 1; its last log lines:` + "\n", `[emerg]`, `unknown directive "nonsense"`},
		},
		"no such command": {
			gateway: own(t, "", "command: [nginx, -g", "command: [no-such-gateway, -g"),
			want:    []string{`gateway own: testdata/own/gateway.yaml: command ["no-such-gateway" "-g" "daemon off;"]: `, `"no-such-gateway": executable file not found`},
		},
		"no such version command": {
			gateway: own(t, "", "[nginx, -v]", "[no-such-gateway, -v]"),
			want:    []string{`gateway own: testdata/own/gateway.yaml: version.command ["no-such-gateway" "-v"]: `, `"no-such-gateway": executable file not found`},
		},
		"version says nothing": {
			gateway: own(t, "", "[nginx, -v]", "[echo, hello]"),
			want:    []string{`gateway own: testdata/own/gateway.yaml: version.pattern "nginx/(\\S+)" matches nothing in "hello"`},
		},
		"another line": {
			gateway: own(t, "", `"1.26": {`, `"1.2": {`),
			want:    []string{"gateway own: testdata/own/gateway.yaml: versions: 1.2: the image " + image.Ref + " says it is 1.26."},
		},
		"dies at start": {
			gateway: own(t, "", `command: [nginx, -g, "daemon off;"]`, `command: [sh, -c, "echo out of licences; exit 3"]`),
			want:    []string{": exited with code 3; its last log lines:\n    out of licences"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := planOf(test.gateway, t.TempDir())
			p.Policy = topology.Policy{}
			l, err := Start(t.Context(), p)
			require.Error(t, err)
			t.Log(err)
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
			stop(t, l)
			if name == "config rejected" || name == "dies at start" { // before or after the engine was asked where it is
				assert.FileExists(t, filepath.Join(p.Dir, ConfigDir, "own"))
				assert.FileExists(t, filepath.Join(p.Dir, LogFile))
			}
		})
	}
}

func TestGatewayThatIsNeverReady(t *testing.T) {
	l := start(t, planOf(available(t, "nginx@1.26"), t.TempDir())).(*inDocker)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := awaitReady(ctx, l.Address(), gateways.Ready{Path: "/__ready", Status: 418}, l.contained.gone)
	err = explain(ctx, l.contained, err)
	assert.ErrorContains(t, err, "not ready: GET /__ready: status 200, want 418 (context deadline exceeded); its last log lines:\n")
	assert.ErrorContains(t, err, "start worker process")
}

func TestBackendThatDies(t *testing.T) {
	p := planOf(available(t, "nginx@1.26"), t.TempDir())
	l := start(t, p).(*inDocker)
	got, err := obtain(t.Context(), l.engine, backendRecipe, nil)
	require.NoError(t, err)
	s, err := l.run(t.Context(), spec{name: "broken", image: got, args: []string{"-journal", "/no/such/folder"}})
	require.NoError(t, err)
	err = s.explain(t.Context(), await(t.Context(), s.gone, func(context.Context) error { return assert.AnError }))
	assert.ErrorContains(t, err, "exited with code 1; its last log lines:\n    backend: journal of backend-1: open /no/such/folder")
}
