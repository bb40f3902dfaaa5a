package lab

import (
	"fmt"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
)

// Labs side by side share nothing and leave nothing: no container, network, volume or goroutine. More than one round:
//
//	go test ./harness/lab -run TestLabsSideBySide -count=20
func TestLabsSideBySide(t *testing.T) {
	g := available(t, "nginx@1.26")
	engine, err := connect(t.Context())
	require.NoError(t, err)
	defer func() { assert.NoError(t, engine.Close()) }()
	before := volumes(t, engine)
	goroutines := goleak.IgnoreCurrent()

	t.Run("labs", func(t *testing.T) {
		for i := range 4 {
			t.Run(fmt.Sprint(i+1), func(t *testing.T) {
				t.Parallel()
				l := start(t, planOf(g, t.TempDir()))
				requests := send(t, l, record.StartClock(), load.Constant{
					Rate: 100, For: 500 * time.Millisecond, Request: load.GET("/orders"),
				})
				for _, r := range requests {
					assert.Equal(t, "200", r.Label(), r.Detail)
				}
				stop(t, l)
			})
		}
	})
	owner, err := ownLabels(t.Context(), engine, planOf(g, t.TempDir()))
	require.NoError(t, err)
	assert.Empty(t, labelled(t, labelOwner+"="+owner[labelOwner]), "containers and networks of this process")
	assert.Equal(t, before, volumes(t, engine))
	assert.NoError(t, goleak.Find(goroutines, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop")),
		"but for the connection to the engine that is open")
}

func volumes(t *testing.T, engine *client.Client) int {
	t.Helper()
	list, err := engine.VolumeList(t.Context(), client.VolumeListOptions{})
	require.NoError(t, err)
	return len(list.Items)
}
