// Package stats says how sure a number is: intervals for a share of trials and for the mean of a sample, and how many
// trials it would take to settle a share against a bound. It is pure: no clock, no randomness, no I/O.
//
// Two questions, two types:
//
//	stats.Count{K: 224, N: 2000}.Interval(stats.Confidence95)    // a share: 11.2 %, 9.9 % to 12.7 %
//	sample.Interval(stats.Confidence95)                          // a mean, fed by sample.Add
//
// Both assume independent trials. Requests that share a connection, or that fell into the same outage, are not
// independent, and then these intervals are too narrow: [Clusters] are for a share, and [Groups] for a mean, of trials that
// come in groups. [Looks] is for a run that may be extended.
//
// Two of a kind, as an old version and a new one, are compared by [CompareRounds] where shares were measured in rounds, and by
// [MannWhitney] and [HodgesLehmann] where it was values; [Holm] is for many such comparisons at once, and [ChangePoint] for
// finding when a series changed.
//
// # Sources
//
//   - Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927) 209-212.
//   - Clopper, Pearson, The use of confidence or fiducial limits illustrated in the case of the binomial, Biometrika 26
//     (1934) 404-413.
//   - Hanley, Lippman-Hand, If nothing goes wrong, is everything all right?, JAMA 249 (1983) 1743-1745: the rule of three.
//   - Brown, Cai, DasGupta, Interval estimation for a binomial proportion, Statistical Science 16 (2001) 101-133: why
//     Wilson, and why its limits need a correction near 0 and 1.
//   - Student, The probable error of a mean, Biometrika 6 (1908) 1-25.
//   - Welford, Note on a method for calculating corrected sums of squares and products, Technometrics 4 (1962) 419-420.
package stats

import (
	"fmt"
)

// Level is the two-sided confidence level of an interval, as a share: 0.95, not 95. It lies in [0.5, 1); anything else
// is a mistake of the caller (as often as not a bound in the place of a level) and panics.
type Level float64

// Confidence95 is the level to use unless there is a reason not to.
const Confidence95 Level = 0.95

// alpha is the share of intervals allowed to miss: 0.05 at a level of 0.95.
func (l Level) alpha() float64 {
	if !(l >= 0.5 && l < 1) {
		panic(fmt.Sprintf("stats: confidence level %v is not in [0.5, 1)", float64(l)))
	}
	return 1 - float64(l)
}

// Interval is a closed range of plausible values, in the unit of what was measured: a share between 0 and 1 for a
// [Count], the unit of the values for a [Sample].
type Interval struct{ Low, High float64 }

// AtOrUnder reports whether the whole interval is at or under the bound.
func (i Interval) AtOrUnder(bound float64) bool { return i.High <= bound }

// Over reports whether the whole interval is over the bound.
func (i Interval) Over(bound float64) bool { return i.Low > bound }
