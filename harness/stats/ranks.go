package stats

import (
	"math"
	"slices"
)

// exactPairs is up to how many pairs of a value of one sample with one of the other the distribution of their ranks is
// counted out; beyond that the normal one is close.
const exactPairs = 400

// MannWhitney is the two-sided p of the test of Mann, Whitney and Wilcoxon, that two samples come from one distribution: it
// asks whether values of one tend to be larger, by their ranks alone, so that a few slow requests weigh no more than they
// should. p is twice the smaller of P(U <= u) and P(U >= u), where
//
//	u = number of pairs with b > a, and half of those with b = a
//
// Up to 400 pairs these are counted out over all ways to part the values between the samples, ties included. Beyond, they are
// the normal distribution's, with half a pair as the correction for continuity: with n and m values, N in all, and t values
// in each tie,
//
//	mean n·m/2, variance n·m/12 · (N + 1 - sum (t³ - t) / (N·(N - 1)))
//
// Infinite values are ranked like others, as a request that never ended. A NaN gives NaN; a sample without values, or values
// that are all equal, 1.
//
// Mann, Whitney, On a test of whether one of two random variables is stochastically larger than the other, Annals of
// Mathematical Statistics 18 (1947) 50-60. Lehmann, Nonparametrics: Statistical Methods Based on Ranks (1975), ch. 1.
func MannWhitney(a, b []float64) float64 {
	if slices.ContainsFunc(a, math.IsNaN) || slices.ContainsFunc(b, math.IsNaN) {
		return math.NaN()
	}
	if len(a) == 0 || len(b) == 0 {
		return 1
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	ranks, sum, ties := midranks(a, b)
	n, m := float64(len(a)), float64(len(b))
	if len(a)*len(b) <= exactPairs {
		ways := rankSums(ranks, len(a))
		low, high, all := 0.0, 0.0, 0.0
		for s, way := range ways {
			all += way
			if s <= sum {
				low += way
			}
			if s >= sum {
				high += way
			}
		}
		return min(2*min(low, high)/all, 1)
	}
	deviation := math.Sqrt(n * m / 12 * (n + m + 1 - ties/((n+m)*(n+m-1))))
	apart := math.Abs(float64(sum)/2-n*(n+m+1)/2) - 0.5
	if deviation == 0 || apart <= 0 {
		return 1
	}
	return normalTails(apart / deviation)
}

// midranks ranks the values of both samples from 2, in steps of 2, so that equal values have a whole number in the middle.
// It also says what those of a sum to, and the sum of t³ - t over the ties.
func midranks(a, b []float64) (ranks []int, sum int, ties float64) {
	all := slices.Concat(a, b)
	slices.Sort(all)
	mine := slices.Sorted(slices.Values(a))
	for from := 0; from < len(all); {
		to := from
		for to < len(all) && all[to] == all[from] {
			to++
		}
		rank := from + 1 + to
		for range to - from {
			ranks = append(ranks, rank)
		}
		for len(mine) > 0 && mine[0] == all[from] {
			sum, mine = sum+rank, mine[1:]
		}
		t := float64(to - from)
		ties += t*t*t - t
		from = to
	}
	return ranks, sum, ties
}

// rankSums counts, for each sum, the ways to choose n of the ranks that give it.
func rankSums(ranks []int, n int) []float64 {
	most := 0
	for _, rank := range ranks[len(ranks)-n:] {
		most += rank
	}
	ways := make([][]float64, n+1)
	for chosen := range ways {
		ways[chosen] = make([]float64, most+1)
	}
	ways[0][0] = 1
	for _, rank := range ranks {
		for chosen := n; chosen > 0; chosen-- {
			with, without := ways[chosen][min(rank, most+1):], ways[chosen-1]
			for s := range with {
				with[s] += without[s]
			}
		}
	}
	return ways[n]
}

// HodgesLehmann is by how much the values of b are larger than those of a: the median of the differences of all pairs, with
// the interval of the shifts that [MannWhitney] would not call wrong. With the differences of n·m pairs in order, d(1) first,
//
//	[d(c), d(n·m + 1 - c)], c the largest number with P(U <= c - 1) <= alpha/2 where there are no ties
//
// It supposes that both distributions have one shape, and nothing of the shape; the shift holds for latencies, in their
// unit. Ties make it wider than need be, never narrower than it says (Noether 1967). Where even the whole range is not sure
// enough, as with three values of each at 95 %, the interval is infinite. So it is, and the shift is NaN, without values or
// with one that is not finite.
//
// Hodges, Lehmann, Estimates of location based on rank tests, Annals of Mathematical Statistics 34 (1963) 598-611. Noether,
// Wilcoxon confidence intervals for location parameters in the discrete case, JASA 62 (1967) 184-188.
func HodgesLehmann(a, b []float64, level Level) Estimate {
	alpha := level.alpha()
	shift := Estimate{Value: math.NaN(), Interval: Interval{Low: math.Inf(-1), High: math.Inf(1)}}
	infinite := func(value float64) bool { return math.IsNaN(value) || math.IsInf(value, 0) }
	if len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, infinite) || slices.ContainsFunc(b, infinite) {
		return shift
	}
	pairs := differences{less: slices.Sorted(slices.Values(a)), from: slices.Sorted(slices.Values(b))}
	n := len(a) * len(b)
	shift.Value = pairs.ranked((n+1)/2)/2 + pairs.ranked(n/2+1)/2
	if c := criticalPairs(len(a), len(b), alpha); c > 0 {
		shift.Interval = Interval{Low: pairs.ranked(c), High: pairs.ranked(n + 1 - c)}
	}
	return shift
}

// criticalPairs is the largest c with P(U <= c-1) <= alpha/2, of samples of n and m values without ties.
func criticalPairs(n, m int, alpha float64) int {
	if n*m > exactPairs {
		mean, variance := float64(n)*float64(m)/2, float64(n)*float64(m)/12*float64(n+m+1)
		return max(int(math.Floor(mean+0.5-normalQuantile(Level(1-alpha))*math.Sqrt(variance))), 0)
	}
	n, m = min(n, m), max(n, m)
	ranks := make([]int, n+m)
	for i := range ranks {
		ranks[i] = i + 1
	}
	ways, all, tail := rankSums(ranks, n), 0.0, 0.0
	for _, way := range ways {
		all += way
	}
	for c, way := range ways[n*(n+1)/2:] {
		if tail += way; tail > alpha/2*all {
			return c
		}
	}
	return n * m
}

// differences are those of all pairs of a value from and one less, both in order. They are never listed: thousands of values
// make millions of pairs.
type differences struct{ less, from []float64 }

// ranked is the difference of that rank, from 1: the first number that so many are at or under.
func (d differences) ranked(rank int) float64 {
	fewer := func(than float64) bool {
		count, j := 0, 0
		for _, value := range d.less {
			for j < len(d.from) && d.from[j]-value <= than {
				j++
			}
			count += j
		}
		return count < rank
	}
	smallest := d.from[0] - d.less[len(d.less)-1]
	largest := d.from[len(d.from)-1] - d.less[0]
	below := bisect(math.Nextafter(smallest, math.Inf(-1)), largest, fewer)
	return math.Nextafter(below, math.Inf(1)) + 0 // which makes 0 of -0
}
