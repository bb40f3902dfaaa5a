package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/images"
)

func names(work []obtaining, that func(obtaining) bool) (all []string) {
	for _, w := range work {
		if that(w) {
			all = append(all, w.Name)
		}
	}
	return all
}

func TestWantedImages(t *testing.T) {
	selected, err := selectGateways("httpd@all,httpd@2.4-trixie,stdlib")
	require.NoError(t, err)
	work := wanted(selected)
	assert.Equal(t, []string{"backend", "toxiproxy@2.12.0", "httpd@2.4-bookworm", "httpd@2.4-trixie"},
		names(work, func(obtaining) bool { return true }))
	assert.Equal(t, []string{"backend", "toxiproxy@2.12.0", "httpd@2.4-trixie"}, names(work, func(w obtaining) bool { return w.needed }))
	assert.Equal(t, []string{"httpd@2.4-bookworm", "httpd@2.4-trixie"}, names(work, func(w obtaining) bool { return w.gateway }))
}

func TestTwoImagesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		obtain := func(_ context.Context, r images.Recipe, progress func(string)) (images.Obtained, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			progress(r.Name + ": building")
			time.Sleep(3 * time.Second)
			if r.Name == "b" {
				return images.Obtained{}, errors.New("b cannot be had: build: no")
			}
			return images.Obtained{Ref: "x/" + r.Name, ID: "sha256:1", Source: images.Built, How: "built from sand"}, nil
		}
		var mu sync.Mutex
		said := map[string]int{}
		work := []obtaining{{Recipe: images.Recipe{Name: "a"}}, {Recipe: images.Recipe{Name: "b", Image: "b:1"}}, {Recipe: images.Recipe{Name: "c"}}}
		obtainAll(t.Context(), work, obtain, func(line string) {
			mu.Lock()
			defer mu.Unlock()
			said[line]++
		})
		assert.EqualValues(t, atOnce, most.Load())
		assert.Equal(t, map[string]int{
			"a: building": 1, "b: building": 1, "c: building": 1,
			"a: built from sand": 1, "b: failed": 1, "c: built from sand": 1,
		}, said)
		var out strings.Builder
		require.NoError(t, imageTable(&out, work))
		assert.Equal(t, `for  image  source   seconds
a    x/a    built    3.0
b    b:1    not had  3.0
c    x/c    built    3.0

b cannot be had: build: no
`, out.String())
	})
}

func TestInterruptedImages(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	begun := 0
	work := make([]obtaining, 10)
	obtainAll(ctx, work[:1], func(ctx context.Context, _ images.Recipe, _ func(string)) (images.Obtained, error) {
		begun++
		cancel()
		return images.Obtained{}, context.Cause(ctx)
	}, func(string) {})
	obtainAll(ctx, work[1:], func(context.Context, images.Recipe, func(string)) (images.Obtained, error) {
		t.Error("begun after the end")
		return images.Obtained{}, nil
	}, func(string) {})
	assert.Equal(t, 1, begun)
	var out strings.Builder
	require.NoError(t, imageTable(&out, work))
	assert.Equal(t, 10, strings.Count(out.String(), "interrupted"))
}

func TestImagesExitCode(t *testing.T) {
	no := errors.New("no")
	backend := obtaining{needed: true}
	for name, c := range map[string]struct {
		work []obtaining
		want int
	}{
		"all had":               {[]obtaining{backend, {gateway: true, needed: true}, {gateway: true}}, exitOK},
		"an unnamed missing":    {[]obtaining{backend, {gateway: true}, {gateway: true, err: no}}, exitOK},
		"every one missing":     {[]obtaining{backend, {gateway: true, err: no}}, exitFailed},
		"a named missing":       {[]obtaining{backend, {gateway: true}, {gateway: true, needed: true, err: no}}, exitFailed},
		"the backend missing":   {[]obtaining{{needed: true, err: no}, {gateway: true}}, exitFailed},
		"embedded gateway only": {[]obtaining{backend}, exitOK},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, imagesCode(c.work)) })
	}
}

func TestImagesWithoutAnEngine(t *testing.T) {
	t.Setenv("DOCKER_HOST", noEngine)
	var out, errOut strings.Builder
	assert.Equal(t, exitFailed, run(t.Context(), []string{"images", "nginx@1.30"}, &out, &errOut))
	assert.Contains(t, errOut.String(), "badgateway: no container engine")
	assert.Empty(t, out.String())
}

func TestProgressLinesHaveATime(t *testing.T) {
	var out strings.Builder
	say := timed(&out)
	say("nginx@1.30: pulling")
	assert.Regexp(t, `^\d\d:\d\d:\d\d nginx@1.30: pulling\n$`, out.String())
}
