package stats

import "math"

// Sample takes in values one at a time and knows their mean and spread without keeping them (Welford 1962). The zero
// value is empty and ready. All results are in the unit of the values. Not safe for concurrent use.
type Sample struct {
	n         int
	mean, ssd float64 // ssd: the sum of squared distances from the mean
	min, max  float64
}

// Add takes in one value. A value that is not finite leaves the sample without a finite interval.
func (s *Sample) Add(value float64) {
	if s.n == 0 {
		s.min, s.max = value, value
	}
	s.n++
	before := value - s.mean
	s.mean += before / float64(s.n)
	s.ssd += before * (value - s.mean)
	s.min, s.max = min(s.min, value), max(s.max, value)
}

// N is how many values there are.
func (s Sample) N() int { return s.n }

// Mean is the arithmetic mean, and NaN when there is no value.
func (s Sample) Mean() float64 { return s.orNaN(1, s.mean) }

// StdDev is the standard deviation with n-1 in the denominator, and NaN when there are fewer than two values.
func (s Sample) StdDev() float64 { return s.orNaN(2, math.Sqrt(s.ssd/float64(s.n-1))) }

// Min is the smallest value, and NaN when there is none.
func (s Sample) Min() float64 { return s.orNaN(1, s.min) }

// Max is the largest value, and NaN when there is none.
func (s Sample) Max() float64 { return s.orNaN(1, s.max) }

// Interval is where the true mean plausibly lies: mean ± t·StdDev/sqrt(n), with t the quantile of Student's distribution
// (1908) with n-1 degrees of freedom.
//
// Fewer than two values, or one that is not finite, give an infinite interval: nothing is known, so nothing is decided.
// Equal values give [mean, mean]. That claims more than a few values can know, so ask for more of them before you judge
// a number that may vary.
//
// The formula is exact for values from a normal distribution. Skewed ones, as latencies are, need a larger n: a nominal
// 95 % is 90 % for ten exponential values and 94 % for a hundred (TestSampleCoverage).
func (s Sample) Interval(level Level) Interval {
	alpha := level.alpha()
	if s.n < 2 || math.IsNaN(s.mean) || math.IsInf(s.mean, 0) {
		return Interval{Low: math.Inf(-1), High: math.Inf(1)}
	}
	half := studentQuantile(alpha, float64(s.n-1)) * s.StdDev() / math.Sqrt(float64(s.n))
	return Interval{Low: s.mean - half, High: s.mean + half}
}

func (s Sample) orNaN(least int, value float64) float64 {
	if s.n < least {
		return math.NaN()
	}
	return value
}
