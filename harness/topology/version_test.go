package topology_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/badgateway/badgateway/harness/topology"
)

func TestVersionCompare(t *testing.T) {
	for _, test := range []struct {
		v, w topology.Version
		want int
	}{
		{"1.26.3", "1.26.3", 0},
		{"1.26.2", "1.26.3", -1},
		{"1.9.13", "1.26.3", -1}, // numbers, not text
		{"2", "1.99.99", 1},
		{"1.26", "1.26.0", 0}, // missing parts count as 0
		{"1.26", "1.26.1", -1},
		{"1.26.3-rc1", "1.26.3", 0}, // what follows the numbers does not take part
		{"1.26.3+dfsg-1", "1.26.4", -1},
		{"2.4.62~deb12", "2.4.62", 0},
		{"go1.26.8", "1.26.8", 0},
		{"v3.6.1", "3.6", 1},
		{"nginx/1.26.3", "1.26.3", 0},
		{"1..5", "1.0.5", -1}, // nothing after an empty part
		{"", "0", 0},
		{"unknown", "0.0.1", -1},
	} {
		t.Run(fmt.Sprintf("%s and %s", test.v, test.w), func(t *testing.T) {
			assert.Equal(t, test.want, test.v.Compare(test.w))
			assert.Equal(t, -test.want, test.w.Compare(test.v))
			assert.Equal(t, test.want >= 0, test.v.AtLeast(test.w))
		})
	}
}

func TestVersionHasPrefix(t *testing.T) {
	for _, test := range []struct {
		v, line topology.Version
		want    bool
	}{
		{"1.26.3", "1.26", true},
		{"1.26.3", "1", true},
		{"1.26.3", "1.26.3", true},
		{"1.26.3-rc1", "1.26.3", true},
		{"go1.26.8", "1.26", true},
		{"1.26.3", "1.2", false},
		{"1.26.3", "1.27", false},
		{"1.26", "1.26.3", false},
		{"1.26.3", "", false},
		{"", "1", false},
		{"", "", false},
	} {
		assert.Equal(t, test.want, test.v.HasPrefix(test.line), "%s of %q", test.v, test.line)
	}
}

// anyVersion draws versions close enough to each other to be often equal in some parts.
func anyVersion() *rapid.Generator[topology.Version] {
	return rapid.Custom(func(t *rapid.T) topology.Version {
		var parts []string
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 12), 0, 4).Draw(t, "numbers") {
			parts = append(parts, fmt.Sprint(n))
		}
		before := rapid.SampledFrom([]string{"", "v", "go", "nginx/"}).Draw(t, "before")
		after := rapid.SampledFrom([]string{"", "-rc1", "+dfsg", ".x", "."}).Draw(t, "after")
		return topology.Version(before + strings.Join(parts, ".") + after)
	})
}

// Versions are totally ordered, up to those that differ only in what does not take part.
func TestCompareIsATotalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyVersion().Draw(t, "a"), anyVersion().Draw(t, "b"), anyVersion().Draw(t, "c")
		require.Zero(t, a.Compare(a), "reflexive")
		require.Contains(t, []int{-1, 0, 1}, a.Compare(b))
		require.Equal(t, a.Compare(b), -b.Compare(a), "antisymmetric")
		if a.Compare(b) <= 0 && b.Compare(c) <= 0 {
			require.LessOrEqual(t, a.Compare(c), 0, "transitive")
			if a.Compare(c) == 0 {
				require.Zero(t, a.Compare(b), "transitive")
			}
		}
		if a.HasPrefix(b) {
			require.True(t, a.AtLeast(b), "a release line begins with its first version")
		}
	})
}

func TestVersionRange(t *testing.T) {
	for _, test := range []struct {
		within  topology.VersionRange
		version topology.Version
		want    bool
	}{
		{"all", "1.0", true},
		{"all", "", true},
		{">=1.29.7", "1.29.7", true},
		{">=1.29.7", "1.29.6", false},
		{">1.29.7", "1.29.7", false},
		{">1.29.7", "1.30", true},
		{"<=1.29.7", "1.29.7", true},
		{"<=1.29.7", "1.29.8", false},
		{"<1.29.7", "1.29.6-rc2", true},
		{"<1.29.7", "1.29.7", false},
		{"=1.29", "1.29.0", true},
		{"=1.29", "1.29.1", false},
		{">=1.9.13 <1.29.7", "1.9.13", true},
		{">=1.9.13 <1.29.7", "1.29.7", false},
		{"  >=1.9.13\t<1.29.7 ", "1.20", true},
		{"<1 >2", "1.5", false},
	} {
		t.Run(fmt.Sprintf("%s in %s", test.version, test.within), func(t *testing.T) {
			got, err := test.within.Contains(test.version)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

// A range that is not understood must not hold or fail to hold in silence: known deviations hang on it.
func TestMalformedVersionRanges(t *testing.T) {
	for name, test := range map[string]struct {
		within topology.VersionRange
		want   string
	}{
		"empty":                     {"", `"all"`},
		"blank":                     {" \t", `"all"`},
		"no comparison":             {"1.29.7", `"1.29.7"`},
		"no version":                {">=", `">="`},
		"space in a comparison":     {">= 1.29.7", `">="`},
		"turned around":             {"=>1.29.7", `"=>1.29.7"`},
		"doubled":                   {"==1.29.7", `"==1.29.7"`},
		"unknown comparison":        {"~1.29", `"~1.29"`},
		"letters":                   {">=abc", `">=abc"`},
		"all and more":              {"all >=1", `"all"`},
		"second term":               {">=1 <x", `"<x"`},
		"second term, first failed": {">9 <x", `"<x"`},
		"comma":                     {">=1.9.13,<1.29.7", `">=1.9.13,<1.29.7"`},
		"no space between":          {">=1.9.13<1.29.7", `">=1.9.13<1.29.7"`},
		"wildcard":                  {"<=1.x", `"<=1.x"`},
		"ends with a dot":           {"<1.", `"<1."`},
		"release candidate":         {">=1.29.7-rc1", `">=1.29.7-rc1"`}, // it would hold as 1.29.7
		"number without end":        {">=1.99999999999999999999", "1.99999999999999999999"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := test.within.Contains("1.5")
			require.Error(t, err)
			assert.ErrorContains(t, err, "version range")
			assert.ErrorContains(t, err, test.want)
		})
	}
}

// Whether a range is malformed depends on the range alone, so that a bad one cannot hide behind a version that it is
// never asked about.
func FuzzVersionRange(f *testing.F) {
	for _, seed := range []string{"all", "", ">=1.29.7", ">=1.9.13 <1.29.7", "=1 =2", "=>1", ">=1.x", "<99999999999999999999", ">=<1", "<v1"} {
		f.Add(seed, "1.26.3")
		f.Add(seed, "go1.26.8-rc1")
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, text, version string) {
		within := topology.VersionRange(text)
		holds, err := within.Contains(topology.Version(version))
		_, other := within.Contains("1.0")
		require.Equal(t, err == nil, other == nil, "valid for %q and for 1.0", version)
		if err != nil {
			require.False(t, holds)
			require.ErrorContains(t, err, "version range")
			return
		}
		for term := range strings.FieldsSeq(text) {
			alone, err := topology.VersionRange(term).Contains(topology.Version(version))
			require.NoError(t, err, "%q is a part of %q", term, text)
			require.True(t, alone || !holds, "%q holds and its part %q does not", text, term)
		}
	})
}
