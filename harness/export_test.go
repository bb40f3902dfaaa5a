package harness

// SeedOfRun is for tests.
var SeedOfRun = seedOfRun

// Punctually is for tests, which cannot make a client fall behind when they want to.
func Punctually(take func(earlier string) (late string, err error)) error {
	return Case{}.punctually(take)
}
