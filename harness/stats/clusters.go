package stats

import "math"

// Clusters are trials that come in groups, as requests come on connections, and are alike within a group: where a fault
// breaks connections, ten requests on one are not ten trials. Each entry is the count of one group.
//
// How alike they are is seen in the groups themselves. With the share p = K/N, and k of n in each of G groups,
//
//	v = G/(G-1) · sum (k - p·n)² / N²          the variance that the groups show
//	v0 = p·(1-p) / N                           the one that independent trials would
//	N·v0/v · (z/t)²                            so many independent trials are worth as much
//
// with z and t the quantiles of the normal distribution and of Student's with G-1 degrees of freedom, since v is itself
// only known from G groups. It is never taken for more than N. Where all trials went one way nothing is seen of how alike
// they are, and each group counts as one trial.
//
// Korn, Graubard, Confidence intervals for proportions with small expected number of positive counts estimated from survey
// data, Survey Methodology 24 (1998) 193-201.
type Clusters []Count

// Count is the count of all trials.
func (c Clusters) Count() Count {
	var all Count
	for _, group := range c {
		group.check()
		all.K += group.K
		all.N += group.N
	}
	return all
}

// Effective is how many independent trials would be worth as much, between 0 and N.
func (c Clusters) Effective(level Level) float64 {
	all := c.Count()
	groups := float64(len(c))
	if all.K == 0 || all.K == all.N || len(c) < 2 {
		return min(groups, float64(all.N))
	}
	n, p, ssd := float64(all.N), all.Share(), 0.0
	for _, group := range c {
		apart := float64(group.K) - p*float64(group.N)
		ssd += apart * apart
	}
	worth := n
	if v := groups / (groups - 1) * ssd / (n * n); v > 0 {
		worth = p * (1 - p) / v
	}
	shrink := normalQuantile(level) / studentQuantile(level.alpha(), groups-1)
	return min(worth*shrink*shrink, n)
}

// Interval is that of [Count.Interval] for the effective number of trials, rounded outwards where that is not whole.
func (c Clusters) Interval(level Level) Interval {
	return c.Count().worth(c.Effective(level), level)
}

// worth is [Count.Interval] for fewer trials of the same share, rounded outwards where that is not whole.
func (c Count) worth(trials float64, level Level) Interval {
	if c.N == 0 || trials < 1 {
		return Interval{Low: 0, High: 1}
	}
	n := int(math.Floor(trials))
	k := c.Share() * float64(n)
	return Interval{
		Low:  Count{K: int(math.Floor(k + slip)), N: n}.Interval(level).Low,
		High: Count{K: int(math.Ceil(k - slip)), N: n}.Interval(level).High,
	}
}

// slip is what floating point may leave of a whole number.
const slip = 1e-9
