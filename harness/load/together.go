package load

import (
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Together sends several streams side by side, each on connections of its own. A control stream beside the main one, on
// another path, shows how far a fault reaches.
type Together []Stream

// Stream is a load with a name, by which expectations tell its requests from those of the others. One stream may be without
// a name: its schedule is the one that it would have alone.
type Stream struct {
	Name string
	Load Load
}

var streamName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// Validate reports everything that is wrong with the load, joined.
func (t Together) Validate() error {
	var wrong []error
	if len(t) == 0 {
		wrong = append(wrong, errors.New("load: nothing together"))
	}
	names := map[string]bool{}
	for _, s := range t {
		if s.Name != "" && !streamName.MatchString(s.Name) {
			wrong = append(wrong, fmt.Errorf("load: stream %q, want a name of small letters and digits", s.Name))
		}
		if names[s.Name] {
			wrong = append(wrong, fmt.Errorf("load: two streams %q", s.Name))
		}
		names[s.Name] = true
		switch l := s.Load.(type) {
		case nil:
			wrong = append(wrong, fmt.Errorf("load: stream %q sends nothing", s.Name))
		case Together:
			wrong = append(wrong, fmt.Errorf("load: stream %q is several itself", s.Name))
		default:
			if err := l.Validate(); err != nil {
				wrong = append(wrong, fmt.Errorf("stream %q: %w", s.Name, err))
			}
		}
	}
	return errors.Join(wrong...)
}

// String says in words what is sent.
func (t Together) String() string {
	words := make([]string, len(t))
	for i, s := range t {
		words[i] = fmt.Sprint(s.Load)
		if s.Name != "" {
			words[i] = s.Name + ": " + words[i]
		}
	}
	return strings.Join(words, "; ")
}

// Lasts is as long as the longest of them does.
func (t Together) Lasts() (longest time.Duration) {
	for _, s := range t.streams() {
		longest = max(longest, s.lasts)
	}
	return longest
}

// Count is how many requests they send, all in all; Unknown if it is of one of them.
func (t Together) Count() (all int) {
	for _, s := range t.streams() {
		if s.count == Unknown {
			return Unknown
		}
		all += s.count
	}
	return all
}

// Plan returns what is due whatever the gateway answers, in that order.
func (t Together) Plan(seed uint64) iter.Seq[Planned] {
	return func(yield func(Planned) bool) {
		type head struct {
			Planned
			next func() (Planned, bool)
		}
		var heads []head
		for _, s := range t.streams() {
			next, stop := iter.Pull(s.plan(seed))
			defer stop()
			if p, ok := next(); ok {
				heads = append(heads, head{p, next})
			}
		}
		for len(heads) > 0 {
			first := 0
			for i, h := range heads {
				if h.Due < heads[first].Due {
					first = i
				}
			}
			if !yield(heads[first].Planned) {
				return
			}
			var more bool
			if heads[first].Planned, more = heads[first].next(); !more {
				heads = slices.Delete(heads, first, first+1)
			}
		}
	}
}

func (t Together) streams() (all []stream) {
	for _, member := range t {
		if member.Load == nil {
			continue
		}
		for _, s := range member.Load.streams() {
			s.name = member.Name
			all = append(all, s)
		}
	}
	return all
}

// hash makes the draws of one stream other than those of the next.
func hash(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash never fails
	return h.Sum64()
}
