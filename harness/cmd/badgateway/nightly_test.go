package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A shard that has nothing to run is not red: the others have it all.
func TestNightWithNothingInItsShard(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	code := run(t.Context(), []string{
		"nightly", "stdlib", "--suite", "example", "--profile", "smoke", "--shard", "1/2", "--seed", "1", "--out", t.TempDir(),
	}, &out, &errOut)
	assert.Equal(t, exitOK, code, errOut.String())
	assert.Contains(t, out.String(), "nothing of the profile smoke in the shard 1/2")
}
