package lab

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOwnerLivesAsLongAsItsLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "owners")
	me, err := register(dir)
	require.NoError(t, err)
	_, alive, err := takeOver(dir, me.id)
	require.NoError(t, err)
	assert.True(t, alive)

	require.NoError(t, me.lock.Close()) // as the kernel does when the process ends
	release, alive, err := takeOver(dir, me.id)
	require.NoError(t, err)
	assert.False(t, alive)
	_, alive, err = takeOver(dir, me.id)
	require.NoError(t, err)
	assert.True(t, alive, "one sweep at a time")
	require.NoError(t, release())

	require.NoError(t, os.Remove(lockPath(dir, me.id)))
	release, alive, err = takeOver(dir, me.id)
	require.NoError(t, err)
	assert.False(t, alive, "an owner without a lock")
	require.NoError(t, release())
}

func TestHostIsNamedAfterTheDirectoryOfLocks(t *testing.T) {
	one, other := t.TempDir(), t.TempDir()
	first, err := hostID(one)
	require.NoError(t, err)
	again, err := hostID(one)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	elsewhere, err := hostID(other)
	require.NoError(t, err)
	assert.NotEqual(t, first, elsewhere, "whose locks we cannot see")
}
