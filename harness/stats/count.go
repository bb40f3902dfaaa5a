package stats

import (
	"fmt"
	"math"
	"math/bits"
)

// Count is K of N: K trials of N went a certain way. K outside 0..N is a bug of the caller and panics.
type Count struct{ K, N int }

// Share is K/N, and NaN, which is neither under nor over any bound, when there were no trials.
func (c Count) Share() float64 { return float64(c.K) / float64(c.N) }

// Interval is the interval to judge by. It is Wilson's ([Count.Wilson]) except where that is known to be wrong,
// near 0 and near N; there the limits are Clopper and Pearson's exact ones, one-sided, with alpha = 1 - level:
//
//	K = 0             [0, 1 - alpha^(1/N)]         the rule of three: about 3/N at 95 %
//	K = N             [alpha^(1/N), 1]
//	otherwise         Low  = min(Wilson's, the p with P(X >= K | N, p) = alpha)
//	                  High = max(Wilson's, the p with P(X <= K | N, p) = alpha)
//	no trials         [0, 1]
//
// One-sided is honest at K = 0, since the other limit is 0 and cannot miss, so all of alpha may be spent on the upper one
// (Hanley and Lippman-Hand 1983). The same holds for the lower limit of a small K. Wilson's own misses there far more often
// than it says: one failure in 100 has a lower limit of 0.18 %, though a gateway that fails exactly 0.17 % of the time
// shows at least one in 16 % of such runs (Brown, Cai and DasGupta 2001 correct it in the same way, for K up to 3).
//
// So, whatever the true share, the lower limit is above it in at most alpha of all runs, and the upper limit below it in
// at most alpha: a promise that is kept is called broken at most that often, and the reverse. Both together cover the true
// share in 95-97 % of runs on average for a nominal 95 %, from N = 10 on, and at worst in 90 % (TestCoverage).
func (c Count) Interval(level Level) Interval {
	return c.between(level, Count.low)
}

// Wilson is Wilson's score interval (1927): with z the normal quantile of the level, 1.96 at 95 %,
//
//	(K + z²/2 ± z·sqrt(z²/4 + K·(N-K)/N)) / (N + z²)
//
// It is the one found in the literature, for comparison; judge by [Count.Interval].
func (c Count) Wilson(level Level) Interval {
	return c.between(level, Count.wilsonLow)
}

// between makes an interval from the formula of a lower limit: the upper limit of a share is one minus the lower limit
// of its complement.
func (c Count) between(level Level, low func(Count, Level) float64) Interval {
	c.check()
	return Interval{Low: low(c, level), High: 1 - low(Count{K: c.N - c.K, N: c.N}, level)}
}

func (c Count) check() {
	if c.K < 0 || c.K > c.N {
		panic(fmt.Sprintf("stats: a count of %d of %d", c.K, c.N))
	}
}

// low is the lower limit of [Count.Interval].
func (c Count) low(level Level) float64 {
	alpha := level.alpha()
	switch c.K {
	case 0:
		return 0
	case c.N:
		return math.Pow(alpha, 1/float64(c.N))
	}
	atLeastK := func(p float64) float64 { // P(X >= K | N, p)
		return incompleteBeta(float64(c.K), float64(c.N-c.K+1), p)
	}
	wilson := c.wilsonLow(level)
	if atLeastK(wilson) <= alpha {
		return wilson
	}
	return bisect(0, wilson, func(p float64) bool { return atLeastK(p) <= alpha })
}

// wilsonLow is the lower limit of [Count.Wilson].
func (c Count) wilsonLow(level Level) float64 {
	z := normalQuantile(level)
	if c.K == 0 {
		return 0
	}
	k, n := float64(c.K), float64(c.N)
	return (k + z*z/2 - z*math.Sqrt(z*z/4+k*(n-k)/n)) / (n + z*z)
}

// MaxTrials is where [Count.Needed] gives up.
const MaxTrials = 1_000_000_000

// Need says how many trials would settle a count against a bound. The zero value says that no number would.
type Need struct {
	Trials     int  // the size of a run that settles it, at least 1; 0 when none does
	Attainable bool // false when the share is on the bound, or so close that MaxTrials are too few
}

// Needed says how many trials it takes, if the share stays what it is, until [Count.Interval] is wholly at or under the
// bound, or wholly over it. Shares of n trials are rounded against the decision: up when under the bound, down when over.
// The interval decides at the n returned, and does not at n-1. With no failure seen, that is the rule of three solved
// for n:
//
//	n = ceil(ln(alpha) / ln(1 - bound))          59 trials for 5 %, 299 for 1 %, 2995 for 0.1 %, at 95 %
//
// A count of no trials is taken for a share of 0, which gives the least that any run needs in order to pass.
//
// It plans a new run with n decided beforehand: adding to a run until it settles is retrying a judgement, and the level
// does not hold then. Take more than n: the next share will not be exactly this one, so with n trials the odds of
// settling are little better than even.
func (c Count) Needed(bound float64, level Level) Need {
	c.check()
	decides := func(n int) bool { return c.scaled(n, up).Interval(level).AtOrUnder(bound) }
	if c.Share() > bound {
		decides = func(n int) bool { return c.scaled(n, down).Interval(level).Over(bound) }
	}
	if c.N > 0 && c.Share() == bound && bound < 1 {
		return Need{}
	}
	no, yes := 0, 1
	for !decides(yes) {
		if yes == MaxTrials {
			return Need{}
		}
		no, yes = yes, min(2*yes, MaxTrials)
	}
	for yes-no > 1 {
		if middle := no + (yes-no)/2; decides(middle) {
			yes = middle
		} else {
			no = middle
		}
	}
	return Need{Trials: yes, Attainable: true}
}

type rounding bool

const (
	up   rounding = true
	down rounding = false
)

// scaled is the count that the same share gives in n trials.
func (c Count) scaled(n int, round rounding) Count {
	if c.N == 0 {
		return Count{K: 0, N: n}
	}
	high, low := bits.Mul64(uint64(c.K), uint64(n))
	k, rest := bits.Div64(high, low, uint64(c.N))
	if round == up && rest > 0 {
		k++
	}
	return Count{K: int(k), N: n}
}
