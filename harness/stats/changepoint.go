package stats

import "math"

// ChangePoint is where a series of runs, in order of time, changed: the split at which before and after differ most, as
// the index of the first run after it, and the p of there being none. At each split, before and after are compared as in
// [CompareRounds]: the p is the larger of Fisher's for all trials and Student's for the runs, which takes how much runs vary
// from within what is before and what is after. Student's is made on the scale on which the spread of a share does not hang
// on the share, so that a single bad night at the end, when most are clean, is not taken for the beginning of bad times:
//
//	y = asin(sqrt((k + 3/8) / (n + 3/4)))          (Anscombe 1948)
//	p = (len(series) - 1) · the smallest, and 1 at most
//
// The latter is Bonferroni's bound, since all splits are looked at. It holds however they hang together: neighbours nearly
// agree, so it errs on the side of seeing no change. (Worsley 1983 has the exact distribution, of independent trials only.) A
// series of fewer than two runs gives 0 and 1.
//
// A constant series is called changed at 5 % in at most 3 % of series of independent trials, and 6 % where runs vary eleven
// times as much as these; but in up to 17 % of five runs, and 7 % of forty, where they vary a hundred times as much, most of
// them clean and a few very bad (TestChangePointOfConstantSeries). Two runs show nothing of how runs vary.
//
// Anscombe, The transformation of Poisson, binomial and negative-binomial data, Biometrika 35 (1948) 246-254. Worsley, The
// power of likelihood ratio and cumulative sum tests for a change in a binomial probability, Biometrika 70 (1983) 455-464.
func ChangePoint(series []Count) (at int, p float64) {
	p = 1
	for split := 1; split < len(series); split++ {
		before, after := series[:split], series[split:]
		here := Fisher(Clusters(before).Count(), Clusters(after).Count())
		if at == 0 || here < p { // Student's can only make it larger
			here = max(here, compared(before, after, anscombe).p())
		}
		if at == 0 || here < p {
			at, p = split, here
		}
	}
	return at, min(p*float64(max(len(series)-1, 1)), 1)
}

func anscombe(c Count) float64 {
	return math.Asin(math.Sqrt((float64(c.K) + 0.375) / (float64(c.N) + 0.75)))
}
