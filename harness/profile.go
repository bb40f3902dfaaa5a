package harness

import (
	"fmt"
	"strings"
	"testing"
)

// Profile is how much of a suite is run. A scenario names the smallest one that it is part of.
type Profile int

// The profiles, each with the one before. The zero Profile is CI.
const (
	// Smoke is one telling scenario for each behaviour: under a minute a gateway.
	Smoke Profile = iota - 1
	// CI is everything that a change should pass.
	CI
	// Nightly has longer runs, more requests and swept parameters.
	Nightly
)

var profiles = map[string]Profile{"smoke": Smoke, "ci": CI, "nightly": Nightly}

// String is the profile as it is typed.
func (p Profile) String() string {
	for name, is := range profiles {
		if is == p {
			return name
		}
	}
	return fmt.Sprintf("profile %d", int(p))
}

// parseProfile reads a profile as it is typed.
func parseProfile(text string) (Profile, error) {
	p, known := profiles[strings.ToLower(text)]
	if !known {
		return CI, fmt.Errorf("-bg.profile=%s: want smoke, ci or nightly", text)
	}
	return p, nil
}

// Running is the profile that the suite is run in: for a scenario that takes more of its own parameters in a longer one.
// A suite that calls it must call Main in its TestMain.
func Running() Profile { return session.Profile }

// skipUnlessIn skips a test that is no part of the profile that is run. What was asked for by a saved run is judged in any.
func (s *run) skipUnlessIn(t *testing.T, least Profile) {
	t.Helper()
	if s.Replay == "" && s.Profile < least {
		t.Skipf("part of the %s profile, and this is %s", least, s.Profile)
	}
}
