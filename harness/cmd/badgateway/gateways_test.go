package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/images"
)

const noEngine = "unix:///nonexistent/docker.sock"

const mine = `name: mine
listen: 80
ready: {path: /, status: 200}
config:
  - {template: c.tmpl, target: /c}
version: {command: [mine, -v], pattern: 'mine/(\S+)'}
capabilities: [retries, workers]
versions:
  "1": {image: "mine:1", build: {debian: trixie, package: mine}, lacks: [workers]}
  "2": {image: "mine:2", build: {go_module: example.com/mine@v2.0.0, go_package: ./cmd/mine}}
  "2-fast": {image: "mine:2", variant: fast}
`

// myFleet is a gateway with three lines, in the folder ./mine of the working directory.
func myFleet(t *testing.T) []gateways.Selected {
	t.Helper()
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("mine", 0o755))
	require.NoError(t, os.WriteFile(filepath.Join("mine", "gateway.yaml"), []byte(mine), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join("mine", "c.tmpl"), nil, 0o600))
	selected, err := selectGateways("./mine@all,stdlib")
	require.NoError(t, err)
	return selected
}

func TestFleetTable(t *testing.T) {
	var fleet []gateways.Gateway
	for _, s := range myFleet(t) {
		fleet = append(fleet, s.Gateway)
	}
	outlooks := []images.Outlook{
		{There: images.Obtained{Ref: "badgateway/mine-1:0123456789ab", ID: "sha256:abcdefabcdefabcdef"}},
		{NoPull: errors.New("docker.io was out of reach 2m0s ago")},
		{NoPull: errors.New("docker.io was out of reach 2m0s ago"), NoBuild: errors.New("no build is given")},
		{},
	}
	var out strings.Builder
	require.NoError(t, fleetTable(&out, fleet, outlooks, nil))
	table, capabilities, _ := strings.Cut(out.String(), "\n\ncan be asked for")
	assert.Equal(t, `gateway        image   to be had here            can be built from
./mine@1       mine:1  yes, built: abcdefabcdef  Debian trixie, package mine
./mine@2       mine:2  by building               example.com/mine@v2.0.0
./mine@2-fast  mine:2  no, see below             -
stdlib         -       yes, embedded             -

./mine@2-fast is the variant fast of mine
no pulling: docker.io was out of reach 2m0s ago`, table)
	assert.Regexp(t, `\nretries +yes +-\n`, capabilities)
	assert.Regexp(t, `\nworkers +some +-\n`, capabilities)
	assert.Regexp(t, `\nrate-limit +- +-\n`, capabilities)
	assert.True(t, strings.HasSuffix(capabilities, "\nsome:\n  workers of mine: 2, 2-fast\n"), capabilities)
}

func TestToBeHad(t *testing.T) {
	selected := myFleet(t)
	contained, embedded := selected[0].Gateway, selected[3].Gateway
	no := errors.New("no")
	for want, c := range map[string]struct {
		gateway gateways.Gateway
		outlook images.Outlook
		engine  error
	}{
		"yes, embedded":            {gateway: embedded, engine: no},
		"no, without an engine":    {gateway: contained, engine: no},
		"yes, pulled: 0123":        {gateway: contained, outlook: images.Outlook{There: images.Obtained{Ref: "mine:1", ID: "sha256:0123"}}},
		"yes, built: 0123456789ab": {gateway: contained, outlook: images.Outlook{There: images.Obtained{Ref: "x", ID: "sha256:0123456789abcdef"}, NoPull: no}},
		"by pulling or building":   {gateway: contained},
		"by pulling, not tried":    {gateway: contained, outlook: images.Outlook{NoBuild: no}},
		"by building":              {gateway: contained, outlook: images.Outlook{NoPull: no}},
		"no, see below":            {gateway: contained, outlook: images.Outlook{NoPull: no, NoBuild: no}},
	} {
		assert.Equal(t, want, toBeHad(c.gateway, c.outlook, c.engine))
	}
}

func TestRemarksAreMadeOnce(t *testing.T) {
	one := myFleet(t)[0].Gateway
	o := images.Outlook{NoPull: errors.New("not tried"), NoBuild: errors.New("mmdebstrap is not installed")}
	fleet, outlooks := []gateways.Gateway{one, one}, []images.Outlook{o, o}
	assert.Equal(t, []string{"no pulling: not tried", "no building: mmdebstrap is not installed"}, remarks(fleet, outlooks, nil))
	assert.Equal(t, []string{"no engine"}, remarks(fleet, outlooks, errors.New("no engine")))
}

func TestGatewaysWithoutAnEngine(t *testing.T) {
	t.Setenv("DOCKER_HOST", noEngine)
	var out, errOut strings.Builder
	assert.Equal(t, exitOK, run(t.Context(), []string{"gateways"}, &out, &errOut))
	assert.Regexp(t, `\nstdlib +- +yes, embedded`, out.String())
	assert.Regexp(t, `\nnginx@1.30 +nginx:1.30 +no, without an engine +Debian sid, package nginx-core\n`, out.String())
	assert.Equal(t, 1, strings.Count(out.String(), "no container engine"), "said once, and not per gateway")
	assert.Empty(t, errOut.String())
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "no container engine") {
			assert.LessOrEqual(t, len(line), 121, line)
		}
	}
}

func TestWrongSelection(t *testing.T) {
	t.Setenv("DOCKER_HOST", noEngine)
	for _, command := range []string{"gateways", "images"} {
		for selection, want := range map[string]string{
			"nginks":  `badgateway: unknown gateway "nginks", want `,
			"./yours": "badgateway: no gateway there: stat ./yours: no such file or directory\n",
		} {
			var out, errOut strings.Builder
			assert.Equal(t, exitUsage, run(t.Context(), []string{command, selection}, &out, &errOut))
			assert.Contains(t, errOut.String(), want)
			assert.Empty(t, out.String())
		}
	}
}
