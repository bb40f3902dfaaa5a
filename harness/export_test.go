package harness

import (
	"context"

	"github.com/badgateway/badgateway/harness/filelock"
)

// SeedOfRun is for tests.
var SeedOfRun = seedOfRun

// Punctually is for tests, which cannot make a client fall behind when they want to.
func Punctually(ctx context.Context, at filelock.Room, tell func(string), take func(earlier string) (late string, err error)) error {
	return punctually(ctx, at, tell, take)
}

// ReasonNotToTry is for tests, which have no run of their own.
func ReasonNotToTry(c Case, e Experiment) string {
	c.Scenario, c.except = e.Found, e.Except
	return (&run{ctx: context.Background()}).reasonNotToRun(c, nil)
}
