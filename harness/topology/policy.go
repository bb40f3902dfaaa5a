package topology

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Policy is what a scenario asks of a gateway in neutral terms; the gateway's config template renders it.
// A zero field asks for nothing: the gateway's own default stays in force, since that is what people run.
type Policy struct {
	// UpstreamKeepAlive says whether the gateway keeps connections to its backends open for reuse.
	UpstreamKeepAlive KeepAlive `json:"upstream_keep_alive,omitempty"`
	// UpstreamIdleTimeout is how long the gateway keeps an unused backend connection, in milliseconds' resolution.
	UpstreamIdleTimeout time.Duration `json:"upstream_idle_timeout,omitempty"`

	_ struct{}
}

// KeepAlive is a three-valued switch: the gateway's default, on, or off.
type KeepAlive string

// The values of a KeepAlive switch.
const (
	KeepAliveDefault KeepAlive = ""
	KeepAliveOn      KeepAlive = "on"
	KeepAliveOff     KeepAlive = "off"
)

// Capability names one thing a gateway can be asked to do; gateway.yaml lists those its template can render.
type Capability string

// The capabilities a policy can need.
const (
	CanUpstreamKeepAlive    Capability = "upstream-keep-alive"
	CanUpstreamKeepAliveOff Capability = "upstream-keep-alive-off"
	CanUpstreamIdleTimeout  Capability = "upstream-idle-timeout"
)

// Capabilities lists every known capability.
func Capabilities() []Capability {
	return []Capability{CanUpstreamKeepAlive, CanUpstreamKeepAliveOff, CanUpstreamIdleTimeout}
}

// Needs lists the capabilities a gateway must have to honour the policy; empty for the zero policy.
func (p Policy) Needs() []Capability {
	var needs []Capability
	switch p.UpstreamKeepAlive {
	case KeepAliveOn:
		needs = append(needs, CanUpstreamKeepAlive)
	case KeepAliveOff:
		needs = append(needs, CanUpstreamKeepAliveOff)
	case KeepAliveDefault:
	}
	if p.UpstreamIdleTimeout != 0 {
		needs = append(needs, CanUpstreamIdleTimeout)
	}
	return needs
}

// String says in words what is asked for.
func (p Policy) String() string {
	var words []string
	if p.UpstreamKeepAlive != KeepAliveDefault {
		words = append(words, "upstream keep-alive "+string(p.UpstreamKeepAlive))
	}
	if p.UpstreamIdleTimeout != 0 {
		words = append(words, "upstream idle timeout "+p.UpstreamIdleTimeout.String())
	}
	if words == nil {
		return "the gateway's own defaults"
	}
	return strings.Join(words, ", ")
}

// Validate reports everything that is wrong with the policy, joined.
func (p Policy) Validate() error {
	var problems []error
	switch p.UpstreamKeepAlive {
	case KeepAliveDefault, KeepAliveOn, KeepAliveOff:
	default:
		problems = append(problems, fmt.Errorf("policy: upstream keep-alive %q, want on, off or nothing", p.UpstreamKeepAlive))
	}
	if d := p.UpstreamIdleTimeout; d < 0 || d%time.Millisecond != 0 {
		problems = append(problems, fmt.Errorf("policy: upstream idle timeout %s, want whole milliseconds", d))
	}
	if p.UpstreamKeepAlive == KeepAliveOff && p.UpstreamIdleTimeout != 0 {
		problems = append(problems, errors.New("policy: an upstream idle timeout contradicts upstream keep-alive off"))
	}
	return errors.Join(problems...)
}
