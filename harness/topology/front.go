package topology

import (
	"errors"
	"fmt"
)

// Front is a second gateway, of the same kind and version, in front of the one under test: clients talk to the front, and
// all of its backends are the gateway under test.
type Front struct {
	// Policy is what is asked of the front; the zero policy leaves every default.
	Policy Policy
	// Names is by how many names the front knows the gateway, each of which it takes for a backend: zero is one. A gateway
	// that makes further attempts on another backend alone makes none where there is one name.
	Names int

	_ struct{}
}

// mostNames is as many as there may be backends.
const mostNames = 64

// Validate reports everything that is wrong with the front, joined. Nothing is where there is none.
func (f *Front) Validate() error {
	if f == nil {
		return nil
	}
	var problems []error
	if err := f.Policy.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("front: %w", err))
	}
	if f.Names < 0 || f.Names > mostNames {
		problems = append(problems, fmt.Errorf("front: %d names of the gateway, want 1 to %d, or 0 for one", f.Names, mostNames))
	}
	return errors.Join(problems...)
}

// Doors lists the names by which the front knows the gateway: "gateway-name-1" and so on, which no backend can have.
func (f *Front) Doors() []string {
	var all []string
	for i := range max(1, f.Names) {
		all = append(all, fmt.Sprintf("gateway-name-%d", i+1))
	}
	return all
}

// String says in words what is asked of the front; nothing where there is none.
func (f *Front) String() string {
	switch {
	case f == nil:
		return ""
	case f.Names > 1:
		return fmt.Sprintf("%s; it knows the gateway by %d names", f.Policy, f.Names)
	}
	return f.Policy.String()
}
