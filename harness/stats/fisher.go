package stats

import (
	"fmt"
	"math"
)

// Fisher is the two-sided p of Fisher's exact test of two counts: if both have the same share, how often chance alone would
// part as many of all that went that way so unevenly, or more so, between a.N and b.N trials. With m = a.K + b.K in all,
//
//	P(x) = C(a.N, x)·C(b.N, m-x) / C(a.N+b.N, m)
//	p    = sum of P(x) over all x with P(x) <= P(a.K)·(1 + 1e-7)
//
// the tolerance is R's, for terms that are equal but for rounding. Where nothing can differ, as without trials, p is 1; one
// under 1e-300 is 0. The time it takes grows with the standard deviation of x: a microsecond for thousands of trials,
// a fifth of a millisecond for ten million.
//
// The trials are to be independent; [CompareRounds] is for those that are not quite.
//
// Fisher, The logic of inductive inference, Journal of the Royal Statistical Society 98 (1935) 39-82; R, fisher.test.
func Fisher(a, b Count) float64 {
	a.check()
	b.check()
	h := hypergeometric{drawn: a.N, others: b.N, marked: a.K + b.K}
	seen := h.relative(a.K) * (1 + 1e-7)
	all, unlikely := 1.0, 0.0 // the mode has a weight of 1
	if seen >= 1 {
		unlikely = 1
	}
	for _, step := range [2]int{1, -1} {
		weight := 1.0
		for x := h.mode(); ; x += step {
			ratio := h.ratio(x, step)
			weight *= ratio
			if weight < vanishing {
				break
			}
			all += weight
			if weight <= seen {
				unlikely += weight
				if rest := weight / (1 - min(ratio, 1)); rest < 1e-17*unlikely { // ratios fall: what is left is less than a geometric series
					break
				}
			}
		}
	}
	return min(unlikely/all, 1)
}

// hypergeometric is how many of the marked trials, out of drawn + others, fall among those drawn.
type hypergeometric struct{ drawn, others, marked int }

// mode is the likeliest number, or one of the two likeliest.
func (h hypergeometric) mode() int {
	return int((float64(h.marked) + 1) * (float64(h.drawn) + 1) / (float64(h.drawn) + float64(h.others) + 2))
}

// ratio is P(x+step)/P(x), for a step of 1 or -1; 0 at the ends.
func (h hypergeometric) ratio(x, step int) float64 {
	in, left := float64(x), float64(h.marked-x)
	inOther, leftOther := float64(h.drawn-x), float64(h.others)-left
	if step > 0 {
		return inOther * left / ((in + 1) * (leftOther + 1))
	}
	return in * leftOther / ((left + 1) * (inOther + 1))
}

// relative is P(x)/P(mode): a product of ratios, which keeps more digits than a difference of logarithms of factorials.
func (h hypergeometric) relative(x int) float64 {
	step, weight := 1, 1.0
	if x < h.mode() {
		step = -1
	}
	for at := h.mode(); at != x; at += step {
		if weight *= h.ratio(at, step); weight < vanishing {
			return 0
		}
	}
	return weight
}

// vanishing is where a weight next to that of the mode begins to lose digits, on its way to 0.
const vanishing = 1e-300

// Critical is how far a share of new trials would have had to be from the old one for [Fisher] to call the difference
// significant: the smallest share above it that is, and the largest below it; NaN where none is. It is the smallest
// difference that could have been seen, whereas "no difference" alone says nothing of how hard one looked.
//
// Perugini, Gambarota, Toffalini, Lakens, Pastore, Finos, Altoè, The benefits of reporting critical-effect-size values,
// Advances in Methods and Practices in Psychological Science 8 (2025).
type Critical struct{ Less, More float64 }

// Critical is what n new trials could have shown against those of c, at 1 - level. A difference as large as that is
// significant, and one that is smaller by one trial is not; to find a true difference in most runs it takes a larger one.
// (Fisher's p does not fall quite evenly: between sizes that differ much, one in 30,000 critical shares has a smaller one
// that is significant as well.)
func (c Count) Critical(n int, level Level) Critical { return c.critical(n, level.alpha()) }

func (c Count) critical(n int, alpha float64) Critical {
	c.check()
	if n < 0 {
		panic(fmt.Sprintf("stats: %d trials", n))
	}
	found := Critical{Less: math.NaN(), More: math.NaN()}
	significant := func(k int) bool { return Fisher(c, Count{K: k, N: n}) <= alpha }
	if c.N == 0 || n == 0 {
		return found
	}
	share := func(k int) float64 { return Count{K: k, N: n}.Share() }
	if significant(n) {
		found.More = share(first(c.scaled(n, down).K, n, significant))
	}
	if significant(0) {
		found.Less = share(first(c.scaled(n, up).K, 0, significant))
	}
	return found
}

// first is the number next to one that does not hold, on the way from no, which does not, to yes, which does.
func first(no, yes int, holds func(int) bool) int {
	for yes-no > 1 || no-yes > 1 {
		if middle := no + (yes-no)/2; holds(middle) {
			yes = middle
		} else {
			no = middle
		}
	}
	return yes
}
