package stats

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
