package lab

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/fixtures/images"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/topology"
)

// shared is a plan whose lab may have a sandbox.
func shared(t *testing.T, in *Sandboxes) Plan {
	t.Helper()
	p := planOf(available(t, "nginx@1.26"), t.TempDir())
	p.Links, p.Sandboxes = nil, in
	return p
}

func few() load.Constant {
	return load.Constant{Rate: 100, For: 200 * time.Millisecond, Request: load.GET("/orders")}
}

// ids are the engine's for the containers of a lab: the house of its gateway, and the pods of its backends.
func ids(l *inDocker) (house string, backends []string) {
	for _, r := range l.replicas {
		backends = append(backends, r.current().at.(*box).home().id)
	}
	return l.contained.processOfGateway.(*tenant).house.id, backends
}

// The next lab has the containers of the backends, and nothing that the one before did to them or counted in them.
func TestSandboxIsHandedOnClean(t *testing.T) {
	var kept Sandboxes
	first := start(t, shared(t, &kept)).(*inDocker)
	assert.Zero(t, first.Facts().Shared)
	inForce := backend.Rule{ID: "left in force", On: backend.OnRequest, Answer: backend.Answer{Status: http.StatusTeapot}}
	for _, r := range orders.Members() {
		require.NoError(t, first.Site(r).Backend.Add(t.Context(), inForce))
	}
	clock := record.StartClock()
	var firstID string
	for _, seen := range send(t, first, clock, few()) {
		assert.Equal(t, http.StatusTeapot, seen.Status)
		firstID = seen.ID
	}
	sandbox := first.sandbox
	house, backends := ids(first)
	printed, err := first.Log(t.Context())
	require.NoError(t, err)
	stop(t, first)
	saved, err := os.ReadFile(filepath.Join(first.plan.Dir, LogFile))
	require.NoError(t, err)
	assert.Contains(t, string(saved), string(printed))

	second := start(t, shared(t, &kept)).(*inDocker)
	assert.Equal(t, 1, second.Facts().Shared)
	assert.Same(t, sandbox, second.sandbox)
	sameHouse, sameBackends := ids(second)
	assert.Equal(t, house, sameHouse)
	assert.Equal(t, backends, sameBackends)
	clock = record.StartClock()
	requests := send(t, second, clock, few())
	log, err := second.Log(t.Context())
	require.NoError(t, err)
	assert.NotContains(t, string(log), firstID, "it has the log of its own process")
	arrivals, err := second.Arrivals(t.Context(), clock)
	require.NoError(t, err)
	require.Len(t, arrivals, len(requests))
	sent := map[string]bool{}
	for _, seen := range requests {
		assert.Equal(t, "200", seen.Label())
		sent[seen.ID] = true
	}
	for _, a := range arrivals {
		assert.True(t, sent[a.ID], "%+v is none of this lab's", a)
		assert.LessOrEqual(t, a.Connection, len(requests), "connections are counted anew")
	}
	require.NoError(t, second.contained.launch(t.Context()), "may be repeated")
	_, err = second.Site(orders.Members()[0]).Backend.Receipt(t.Context(), inForce.ID)
	require.ErrorContains(t, err, "is not known")
	stop(t, second)

	assert.NotEmpty(t, labelled(t, labelLab+"="+sandbox.own[labelLab]))
	require.NoError(t, kept.Close(t.Context()))
	assert.Empty(t, labelled(t, labelLab+"="+sandbox.own[labelLab]))
}

// What a gateway sends again when its backends have ended must not arrive in the next lab: backends begin when nobody is left who
// could.
func TestNobodyIsThereBetweenLabs(t *testing.T) {
	var kept Sandboxes
	t.Cleanup(func() { assert.NoError(t, kept.Close(context.Background())) })
	first := start(t, shared(t, &kept)).(*inDocker)
	addresses := []string{first.Address()}
	for _, r := range orders.Members() {
		addresses = append(addresses, first.Site(r).Dial)
	}
	for _, address := range addresses {
		assert.Equal(t, well, look(t, address))
	}
	stop(t, first)
	for _, address := range addresses {
		assert.Equal(t, nobody, look(t, address))
	}
}

// What has ended by itself is told from what goes on, and its place is as good as before.
func TestTenantThatHasEnded(t *testing.T) {
	var kept Sandboxes
	t.Cleanup(func() { assert.NoError(t, kept.Close(context.Background())) })
	l := start(t, shared(t, &kept)).(*inDocker)
	one := l.replicas[0].current().at.(*box)
	house := one.processOfBackend.(*tenant).house
	require.NoError(t, house.supervisor().Signal(t.Context(), sigKill))
	require.NoError(t, house.supervisor().Wait(t.Context()))
	require.ErrorContains(t, one.gone(t.Context()), "exited with code 137")
	require.Error(t, one.pause(t.Context()))
	require.NoError(t, one.resume(t.Context()))
	require.NoError(t, one.stop(t.Context(), time.Second))
	require.NoError(t, one.kill(t.Context()))
	journal, err := one.journal(t.Context())
	require.NoError(t, err)
	require.NoError(t, journal.Close())
	require.NoError(t, one.start(t.Context()))
	require.NoError(t, one.start(t.Context()), "may be repeated")
	require.NoError(t, one.await(t.Context(), func(ctx context.Context) error { return one.control().Settle(ctx) }))
	stop(t, l)
	assert.Len(t, kept.idle, 1)
}

// What an image says of its containers holds for a house too.
func TestProgramOfAnImage(t *testing.T) {
	of := image{entrypoint: []string{"/server"}, arguments: []string{"--default"}, env: []string{"A=b"}, user: "nobody"}
	for _, c := range []struct {
		asked spec
		want  []string
	}{
		{spec{}, []string{"/server", "--default"}},
		{spec{args: []string{"--own"}}, []string{"/server", "--own"}},
		{spec{command: []string{"/other"}}, []string{"/other"}},
		{spec{command: []string{"/other"}, args: []string{"--own"}}, []string{"/other", "--own"}},
	} {
		got := of.program(c.asked)
		assert.Equal(t, c.want, got.Command)
		assert.Equal(t, of.env, got.Env)
		assert.Equal(t, "nobody", got.User)
	}
	assert.Equal(t, "0:0", of.program(spec{user: "0:0"}).User)
}

// A sandbox in which something cannot be cleared is nobody's any more, and no failure of the lab that had it.
func TestSpoiltSandboxIsNotHandedOn(t *testing.T) {
	var kept Sandboxes
	first := start(t, shared(t, &kept)).(*inDocker)
	spoilt := first.sandbox
	_, backends := ids(first)
	_, err := first.engine.ContainerKill(t.Context(), backends[1], client.ContainerKillOptions{Signal: "KILL"})
	require.NoError(t, err)
	stop(t, first)
	assert.Empty(t, labelled(t, labelLab+"="+spoilt.own[labelLab]))

	second := start(t, shared(t, &kept)).(*inDocker)
	assert.Zero(t, second.Facts().Shared)
	for _, seen := range send(t, second, record.StartClock(), few()) {
		assert.Equal(t, "200", seen.Label())
	}
	stop(t, second)
	require.NoError(t, kept.Close(t.Context()))
}

// What one process hands over another one of the same parent adopts, as if it had been its own; nobody sweeps it meanwhile, and
// whoever has it has it alone.
func TestSandboxIsHandedOver(t *testing.T) {
	kept := Sandboxes{Adopt: true}
	first := start(t, shared(t, &kept)).(*inDocker)
	id := first.sandbox.me.id
	own := labelLab + "=" + first.sandbox.own[labelLab]
	_, backends := ids(first)
	stop(t, first)
	require.NoError(t, kept.HandOver())
	swept, err := Sweep(t.Context())
	require.NoError(t, err)
	assert.Empty(t, swept)

	heir := Sandboxes{Adopt: true}
	second := start(t, shared(t, &heir)).(*inDocker)
	assert.Equal(t, id, second.sandbox.me.id)
	assert.Equal(t, 1, second.Facts().Shared)
	_, same := ids(second)
	assert.Equal(t, backends, same)
	other := Sandboxes{Adopt: true}
	third := start(t, shared(t, &other)).(*inDocker)
	assert.NotEqual(t, id, third.sandbox.me.id)
	for _, seen := range send(t, second, record.StartClock(), few()) {
		assert.Equal(t, "200", seen.Label())
	}
	stop(t, third)
	stop(t, second)
	require.NoError(t, other.Close(t.Context()))

	require.NoError(t, heir.HandOver())
	var found keptSandbox
	path := keptPath(ownersDir(), id)
	require.NoError(t, record.ReadJSON(path, &found))
	found.Parent = parentOf(1 << 22) // of which there is none: the highest number is one less
	require.NoError(t, record.WriteJSON(path, found))
	swept, err = Sweep(t.Context())
	require.NoError(t, err)
	assert.NotEmpty(t, swept, "nobody can come for it any more")
	assert.Empty(t, labelled(t, own))
	assert.NoFileExists(t, path)
	assert.NoFileExists(t, lockPath(ownersDir(), id))
}

// One of which something has ended between two processes is nobody's.
func TestBrokenSandboxIsNotAdopted(t *testing.T) {
	kept := Sandboxes{Adopt: true}
	first := start(t, shared(t, &kept)).(*inDocker)
	sandbox := first.sandbox
	_, backends := ids(first)
	stop(t, first)
	require.NoError(t, kept.HandOver())
	engine, err := connect(t.Context())
	require.NoError(t, err)
	defer engine.Close()
	_, err = engine.ContainerKill(t.Context(), backends[0], client.ContainerKillOptions{Signal: "KILL"})
	require.NoError(t, err)

	second := start(t, shared(t, &kept)).(*inDocker)
	assert.Zero(t, second.Facts().Shared)
	assert.Empty(t, labelled(t, labelLab+"="+sandbox.own[labelLab]))
	stop(t, second)
	require.NoError(t, kept.Close(t.Context()))
}

// Two labs at the same time have nothing in common, and one that was broken off leaves its sandbox as good as it was.
func TestSandboxHasOneLabAtATime(t *testing.T) {
	var kept Sandboxes
	t.Cleanup(func() { assert.NoError(t, kept.Close(t.Context())) })
	one, other := start(t, shared(t, &kept)).(*inDocker), start(t, shared(t, &kept)).(*inDocker)
	assert.NotSame(t, one.sandbox, other.sandbox)
	_, backends := ids(one)
	_, others := ids(other)
	assert.NotSubset(t, backends, others)
	stop(t, other)
	stop(t, one)

	broken := shared(t, &kept)
	broken.Gateway.Command = []string{"nginx", "-c", "/no/such/file"}
	l, err := Start(t.Context(), broken)
	require.Error(t, err)
	stop(t, l)
	third := start(t, shared(t, &kept)).(*inDocker)
	assert.Positive(t, third.Facts().Shared)
	assert.Len(t, send(t, third, record.StartClock(), few()), few().Count())
	stop(t, third)
}

// Where something could not be started in a sandbox, it may be there all the same, under a name that nobody else can have then.
func TestBrokenSandboxIsNotHandedOn(t *testing.T) {
	var kept Sandboxes
	first := start(t, shared(t, &kept)).(*inDocker)
	broken := first.sandbox
	_, err := broken.once("another", func() (*service, error) { return nil, assert.AnError })
	require.ErrorIs(t, err, assert.AnError)
	stop(t, first)
	assert.Empty(t, kept.idle)
	assert.Empty(t, labelled(t, labelLab+"="+broken.own[labelLab]))
}

// A gateway that was started and whose answer got lost is nobody's process, and ends with its lab all the same.
func TestNobodysGatewayEndsWithTheLab(t *testing.T) {
	var kept Sandboxes
	t.Cleanup(func() { assert.NoError(t, kept.Close(context.Background())) })
	first := start(t, shared(t, &kept)).(*inDocker)
	first.contained.processOfGateway = nil
	stop(t, first)
	second := start(t, shared(t, &kept)).(*inDocker)
	assert.Equal(t, 1, second.Facts().Shared)
	assert.Len(t, send(t, second, record.StartClock(), few()), few().Count())
	stop(t, second)
}

// An engine has networks for some thirty sandboxes: those that nobody has make room for the next one.
func TestSandboxesMakeRoom(t *testing.T) {
	available(t, "nginx@1.26")
	kept := Sandboxes{Adopt: true}
	first, second := start(t, shared(t, &kept)).(*inDocker), start(t, shared(t, &kept)).(*inDocker)
	handedOver, idle := first.sandbox, second.sandbox
	stop(t, first)
	require.NoError(t, kept.HandOver())
	stop(t, second)

	for _, gone := range []*sandbox{idle, handedOver} {
		own := labelLab + "=" + gone.own[labelLab]
		assert.NotEmpty(t, labelled(t, own))
		made, err := kept.makeRoom(t.Context())
		require.NoError(t, err)
		assert.True(t, made)
		assert.Empty(t, labelled(t, own))
	}
	made, err := kept.makeRoom(t.Context())
	require.NoError(t, err)
	assert.False(t, made, "nobody else's")
}

// Each kind of lab goes through its pods as it does through containers of its own, and leaves them to the next one.
func TestSandboxOfEachKind(t *testing.T) {
	for name, change := range map[string]func(*Plan){
		"plain":     func(*Plan) {},
		"published": func(*Plan) {},
		"linked":    func(p *Plan) { p.Links = orders.Replica(1).Replicas() },
		"behind":    func(p *Plan) { p.Front = &topology.Front{Names: 2} },
		"lasting": func(p *Plan) {
			p.Needs, p.Successors = []fault.Need{fault.FixedAddress, fault.List}, orders.Replica(2).Replicas()
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "published" {
				t.Setenv("BADGATEWAY_REACH", "published")
			}
			var kept Sandboxes
			t.Cleanup(func() { assert.NoError(t, kept.Close(context.Background())) })
			for lab := range 2 {
				p := shared(t, &kept)
				change(&p)
				l := start(t, p).(*inDocker)
				assert.Equal(t, lab, l.Facts().Shared)
				clock := record.StartClock()
				for _, seen := range send(t, l, clock, few()) {
					assert.Equal(t, "200", seen.Label())
				}
				if p.needs(fault.FixedAddress) {
					one := l.Site(orders.Members()[0]).Process
					require.NoError(t, one.Kill(t.Context()))
					require.NoError(t, one.Start(t.Context()))
					successor, err := l.Site(orders.Members()[1]).Lives.Succeed(t.Context())
					require.NoError(t, err)
					require.NoError(t, l.Gateway().Include(t.Context(), successor.Replica))
				}
				arrivals, err := l.Arrivals(t.Context(), clock)
				require.NoError(t, err)
				assert.Len(t, arrivals, few().Count())
				stop(t, l)
			}
		})
	}
}

// What a fault does to packets and networks is done to what a lab has to itself.
func TestWhoSharesASandbox(t *testing.T) {
	g, err := shipped("nginx@1.26")
	require.NoError(t, err)
	p := Plan{Gateway: g, Backends: orders, Sandboxes: &Sandboxes{}, Needs: []fault.Need{fault.Reload}}
	assert.True(t, p.shares())
	lasting, linked, behind := p, p, p
	lasting.Needs = []fault.Need{fault.FixedAddress}
	assert.Equal(t, p.kind(images.Obtained{}), lasting.kind(images.Obtained{}))
	linked.Links = orders.Members()
	behind.Front = &topology.Front{}
	kinds := map[kind]bool{p.kind(images.Obtained{}): true}
	for _, p := range []Plan{linked, behind} {
		assert.True(t, p.shares())
		assert.False(t, kinds[p.kind(images.Obtained{})], "%+v would be at other pods", p.kind(images.Obtained{}))
		kinds[p.kind(images.Obtained{})] = true
	}
	alone, dropping, cut := p, p, p
	alone.Sandboxes = nil
	dropping.Needs = []fault.Need{fault.Firewall}
	cut.Needs = []fault.Need{fault.Network, fault.FixedAddress}
	for _, p := range []Plan{alone, dropping, cut} {
		assert.False(t, p.shares())
	}
}
