package stats

import "math"

// Comparison is what rounds of an old thing and rounds of a new one say of the difference between them.
type Comparison struct {
	Old, New Count // all rounds of each
	// Dispersion is how much the rounds of one thing vary.
	Dispersion Dispersion
	// P is two-sided: the chance of such a difference, or a larger one, if there is none.
	P float64
	// Difference is New's share less Old's.
	Difference Estimate
	// Critical is the shares that New would have had to have, in rounds that vary so, for P to be at most 1 - level.
	Critical Critical
}

// CompareRounds compares two things tried in rounds, best taken in turns. Trials of one round are alike, and so the
// difference has to be too large for chance between trials, and too large for chance between rounds:
//
//	P           the larger of [Fisher]'s, for all trials, and Student's, for the shares of rounds weighted by their trials
//	Difference  Newcombe's interval ([Estimate.Less]), of as many trials as the rounds are worth ([Dispersion.Estimate])
//	Critical    the first share that both tests would call significant ([Count.Critical])
//
// With k of n in a round, p the share of all its rounds, and K of N in these, Student's is
//
//	s² = sum n·(k/n - p)² / freedom               over the rounds of both
//	t  = (New - Old) / (s·sqrt(1/N + 1/N'))       with freedom = rounds of both - 2
//
// the F test of a quasi-binomial model. P is at most alpha in at most about alpha of comparisons of a thing with itself,
// whether its rounds vary or not (TestFalseAlarmsOfCompareRounds), and also where alpha is that of [Holm] for a large family,
// since Student's distribution allows for how few the rounds are; that is also why 2 rounds of each see much less than 3,
// and 3 less than 5. With one round of each, nothing is seen of how rounds vary, and Fisher's stands alone.
//
// Student, The probable error of a mean, Biometrika 6 (1908) 1-25. McCullagh, Nelder, Generalized Linear Models (1989),
// section 4.5.
func CompareRounds(before, after []Count, level Level) Comparison {
	c := Comparison{Old: Clusters(before).Count(), New: Clusters(after).Count(), Dispersion: DispersionOf(before, after)}
	rounds := compared(before, after, Count.Share)
	c.P = max(Fisher(c.Old, c.New), rounds.p())
	c.Difference = c.Dispersion.Estimate(c.New, level).Less(c.Dispersion.Estimate(c.Old, level))
	c.Critical = c.Old.Critical(c.New.N, level)
	if rounds.deviation > 0 {
		c.Critical = c.Critical.beyond(c.Old.Share(), rounds.deviation*studentQuantile(level.alpha(), rounds.freedom), c.New.N)
	}
	return c
}

// student is the difference of two means of rounds, with its standard deviation as the rounds show it, and the degrees of
// freedom of that; a deviation of 0 says that they show nothing.
type student struct{ difference, deviation, freedom float64 }

// compared takes the difference of the means on a scale, each round weighing as much as it has trials.
func compared(before, after []Count, scale func(Count) float64) student {
	var s student
	ssd, weight := 0.0, 0.0
	for i, rounds := range [2][]Count{before, after} {
		n, mean := float64(Clusters(rounds).Count().N), 0.0
		for _, round := range rounds {
			if round.N > 0 {
				mean += float64(round.N) / n * scale(round)
			}
		}
		for _, round := range rounds {
			if round.N > 0 {
				off := scale(round) - mean
				ssd += float64(round.N) * off * off
				s.freedom++
			}
		}
		s.freedom--
		s.difference += float64(2*i-1) * mean
		weight += 1 / n
	}
	if s.freedom < 1 || math.IsInf(weight, 0) {
		return student{}
	}
	s.deviation = math.Sqrt(ssd / s.freedom * weight)
	return s
}

// p is two-sided, and 0 where the rounds show nothing: it is for another test to say that there is no difference.
func (s student) p() float64 {
	if s.deviation == 0 {
		return 0
	}
	return studentTails(s.difference/s.deviation, s.freedom)
}

// beyond is what is left of critical shares of n trials that also have to be so far from a share.
func (c Critical) beyond(share, distance float64, n int) Critical {
	of := float64(n)
	less, more := math.Floor((share-distance)*of+slip)/of, math.Ceil((share+distance)*of-slip)/of
	c.Less, c.More = min(c.Less, less), max(c.More, more)
	if c.Less < 0 {
		c.Less = math.NaN()
	}
	if c.More > 1 {
		c.More = math.NaN()
	}
	return c
}
