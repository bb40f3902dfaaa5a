package harness

// SeedOfRun is for tests.
var SeedOfRun = seedOfRun
