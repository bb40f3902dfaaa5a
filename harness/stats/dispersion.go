package stats

import "slices"

// Dispersion says how much more rounds of one thing vary than independent trials would: 1 when just as much. Nights, hosts
// and seeds differ, and so the rounds of one gateway do; trials pooled over them claim to know more than they do.
//
// It is Pearson's chi-square over its degrees of freedom, pooled over groups of rounds, each group with a share of its own:
// with k of n in each of the R rounds of a group, and p = sum k / sum n,
//
//	Phi     = sum (k - p·n)² / (n·p·(1-p)) / Freedom
//	Freedom = sum (R - 1)
//
// A group in which all trials went one way, or that has one round, shows nothing of it and is left out. Phi can be under 1,
// by chance, but trials never count for more than they are. Without degrees of freedom the trials are taken as
// independent, for want of anything better: make several rounds.
//
// McCullagh, Nelder, Generalized Linear Models (1989), section 4.5.
type Dispersion struct {
	Phi     float64
	Freedom int
}

// DispersionOf is the dispersion that groups of rounds show, each group of one thing.
func DispersionOf(groups ...[]Count) Dispersion {
	var d Dispersion
	chi := 0.0
	for _, rounds := range groups {
		all := Clusters(rounds).Count()
		if all.K == 0 || all.K == all.N {
			continue
		}
		p := all.Share()
		tried := 0
		for _, round := range rounds {
			if round.N == 0 {
				continue
			}
			apart := float64(round.K) - p*float64(round.N)
			chi += apart * apart / (float64(round.N) * p * (1 - p))
			tried++
		}
		d.Freedom += tried - 1
	}
	if d.Freedom > 0 {
		d.Phi = chi / float64(d.Freedom)
	}
	return d
}

// DispersionInParts is that of things that were tried by a schedule: thing by thing, for each part of the schedule, the count
// of each round. What the schedule makes of the parts is no chance, as where all trials of one part go one way and all of
// the next the other, so a part is compared with itself in the other rounds alone:
//
//	v   = sum over parts of R/(R-1) · sum over rounds (k - mean of the part)²    the variance that the rounds show
//	v0  = N·p·(1-p)                                                              the one that independent trials would
//	Phi = sum v / sum v0
//
// over all things in which trials went both ways, with the degrees of freedom of all their parts. It is the design effect of
// a sample of rounds, stratified by parts (Korn, Graubard; see [Clusters]).
func DispersionInParts(things ...[][]Count) Dispersion {
	var d Dispersion
	v, v0 := 0.0, 0.0
	for _, parts := range things {
		all := Clusters(slices.Concat(parts...)).Count()
		if all.K == 0 || all.K == all.N {
			continue
		}
		freedom, of := 0, 0.0
		for _, rounds := range parts {
			if n := len(rounds); n > 1 {
				of += varianceOfSum(rounds)
				freedom += n - 1
			}
		}
		if freedom > 0 {
			d.Freedom += freedom
			v += of
			v0 += float64(all.N) * all.Share() * (1 - all.Share())
		}
	}
	if d.Freedom > 0 {
		d.Phi = v / v0
	}
	return d
}

// varianceOfSum is that of the sum of the rounds' counts, as the rounds show it.
func varianceOfSum(rounds []Count) float64 {
	n := float64(len(rounds))
	mean, ssd := float64(Clusters(rounds).Count().K)/n, 0.0
	for _, round := range rounds {
		ssd += (float64(round.K) - mean) * (float64(round.K) - mean)
	}
	return n / (n - 1) * ssd
}

// Effective is how many independent trials n of such rounds are worth for an interval of that level, at most n:
//
//	n / (Phi · (t/z)²)
//
// with z and t the quantiles of the normal distribution and of Student's, as for [Clusters].
func (d Dispersion) Effective(n int, level Level) float64 {
	if d.Freedom == 0 || d.Phi == 0 {
		return float64(n)
	}
	wider := studentQuantile(level.alpha(), float64(d.Freedom)) / normalQuantile(level)
	return min(float64(n)/(d.Phi*wider*wider), float64(n))
}

// Estimate is the share of the trials of such rounds, with [Count.Interval] for as many as they are worth.
func (d Dispersion) Estimate(c Count, level Level) Estimate {
	c.check()
	return Estimate{Value: c.Share(), Interval: c.worth(d.Effective(c.N, level), level)}
}
