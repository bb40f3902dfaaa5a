package topology

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Version is a dotted version as a gateway prints it, e.g. "1.26.3" or "go1.26.8"; what follows the numbers
// ("-rc1", "+dfsg") does not take part in comparisons.
type Version string

// Compare returns -1, 0 or +1 as v is older than, equal to or newer than w; missing parts count as 0.
func (v Version) Compare(w Version) int {
	a, b := v.numbers(), w.numbers()
	for i := range max(len(a), len(b)) {
		x, y := at(a, i), at(b, i)
		if x != y {
			if x < y {
				return -1
			}
			return 1
		}
	}
	return 0
}

// AtLeast reports whether v is w or newer.
func (v Version) AtLeast(w Version) bool { return v.Compare(w) >= 0 }

// HasPrefix reports whether the version belongs to the release line w: 1.26.3 belongs to 1.26 and to 1, not to 1.2.
func (v Version) HasPrefix(w Version) bool {
	a, b := v.numbers(), w.numbers()
	if len(b) == 0 || len(b) > len(a) {
		return false
	}
	for i := range b {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (v Version) numbers() []int {
	s := strings.TrimLeft(string(v), "abcdefghijklmnopqrstuvwxyz-/ ")
	var numbers []int
	for part := range strings.SplitSeq(s, ".") {
		end := 0
		for end < len(part) && part[end] >= '0' && part[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(part[:end])
		if err != nil {
			break
		}
		numbers = append(numbers, n)
		if end < len(part) {
			break
		}
	}
	return numbers
}

func at(numbers []int, i int) int {
	if i < len(numbers) {
		return numbers[i]
	}
	return 0
}

// VersionRange is a conjunction of comparisons, e.g. ">=1.29.7" or ">=1.9.13 <1.29.7"; "all" holds for every version.
type VersionRange string

// rangeBound is stricter than Version: what comparisons would ignore is not to be written in a range, as in ">=1.9,<1.29".
var rangeBound = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,9})*$`)

// Contains reports whether v satisfies every comparison of the range, and an error when the range is malformed.
func (r VersionRange) Contains(v Version) (bool, error) {
	if r == "all" {
		return true, nil
	}
	terms := strings.Fields(string(r))
	if len(terms) == 0 {
		return false, fmt.Errorf(`version range %q: want "all" or comparisons like ">=1.29.7 <2"`, r)
	}
	holds := true
	for _, term := range terms {
		bound := strings.TrimLeft(term, "<>=")
		operator := strings.TrimSuffix(term, bound)
		if !rangeBound.MatchString(bound) {
			return false, fmt.Errorf("version range %q: no version of numbers and dots alone in %q", r, term)
		}
		c := v.Compare(Version(bound))
		switch operator {
		case ">=":
			holds = holds && c >= 0
		case ">":
			holds = holds && c > 0
		case "<=":
			holds = holds && c <= 0
		case "<":
			holds = holds && c < 0
		case "=":
			holds = holds && c == 0
		default:
			return false, fmt.Errorf("version range %q: unknown comparison in %q, want one of >= > <= < =", r, term)
		}
	}
	return holds, nil
}
