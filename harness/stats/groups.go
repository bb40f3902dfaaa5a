package stats

import "math"

// Groups are values that come in groups, as requests come on connections, and are alike within a group: what [Clusters] are
// for a share. Each entry is one group, which holds a value at least.
//
// The mean is that of all values, so a large group weighs more. How alike they are is seen in the groups themselves: with n
// values of mean m in each of G groups, N values of mean M in all, and one group left out after the other,
//
//	v = (G-1)/G · sum (n·(m - M) / (N - n))²        the variance that the groups show (the jackknife)
//	w = n² / (N - n)²                               how much of it hangs on one group
//	M ± t·sqrt(v)
//
// with t the quantile of Student's distribution with (sum w)²/(sum w²) - 1 degrees of freedom, G-1 where all groups are of
// one size: a few large groups know no more than a few values. v is never taken for less than what independent values would
// show.
//
// Cochran, Sampling Techniques (1977), ch. 6; Bell, McCaffrey, Bias reduction in standard errors for linear regression with
// multi-stage samples, Survey Methodology 28 (2002) 169-181.
type Groups []Sample

// Mean is the mean of all values, and NaN when there is none.
func (g Groups) Mean() float64 {
	n, sum := 0.0, 0.0
	for _, group := range g {
		n += float64(group.n)
		sum += float64(group.n) * group.mean
	}
	return sum / n
}

// Interval is where the true mean plausibly lies. Fewer than two groups, or a value that is not finite, give an infinite one;
// equal values give [mean, mean], as of a [Sample], and so ask for more groups where the values may vary.
//
// A nominal 95 % covers the mean of values that are alike, or not, in 94-97 % of runs from about 30 groups on, also of such
// different sizes as connections have (TestCoverageOfGroups). As with a [Sample], values of which a few are far larger than
// the rest need more.
func (g Groups) Interval(level Level) Interval {
	alpha, mean := level.alpha(), g.Mean()
	if len(g) < 2 || math.IsNaN(mean) || math.IsInf(mean, 0) {
		return Interval{Low: math.Inf(-1), High: math.Inf(1)}
	}
	n, ssd := 0.0, 0.0
	for _, group := range g {
		apart := group.mean - mean
		n += float64(group.n)
		ssd += group.ssd + float64(group.n)*apart*apart
	}
	v, weights, squares := 0.0, 0.0, 0.0
	for _, group := range g {
		left := float64(group.n) / (n - float64(group.n))
		apart := left * (group.mean - mean)
		v += apart * apart
		weights += left * left
		squares += left * left * left * left
	}
	groups := float64(len(g))
	v = max(v*(groups-1)/groups, ssd/(n-1)/n)
	freedom := max(weights*weights/squares-1, 1)
	half := studentQuantile(alpha, freedom) * math.Sqrt(v)
	return Interval{Low: mean - half, High: mean + half}
}
