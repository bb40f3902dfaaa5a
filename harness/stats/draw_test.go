package stats

import (
	"math"
	"math/rand/v2"
)

// drawn is a count of n trials. It walks up the distribution, which is quick where few of them go that way, and
// begins with a number where (1-share)^n is one: up to n = 3000 of a fifth.
func drawn(r *rand.Rand, n int, share float64) Count {
	if share > 0.5 {
		return Count{K: n - drawn(r, n, 1-share).K, N: n}
	}
	left, k := r.Float64(), 0
	for p := math.Pow(1-share, float64(n)); left > p && k < n; k++ {
		left -= p
		p *= float64(n-k) / float64(k+1) * share / (1 - share)
	}
	return Count{K: k, N: n}
}

// rounds are of one thing, whose share varies from one to the next: it is beta distributed, and the counts are alike within a
// round by the correlation alike, so that their dispersion is 1 + (n-1)·alike.
func rounds(r *rand.Rand, number, n int, share, alike float64) []Count {
	all := make([]Count, number)
	for i := range all {
		here := share
		if alike > 0 {
			of := 1/alike - 1
			yes, no := gamma(r, share*of), gamma(r, (1-share)*of)
			here = yes / (yes + no)
		}
		all[i] = drawn(r, n, here)
	}
	return all
}

// gamma is a value of the gamma distribution with that shape (Marsaglia, Tsang, ACM Transactions on Mathematical Software 26
// (2000) 363-372).
func gamma(r *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gamma(r, shape+1) * math.Pow(1-r.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	for {
		x := r.NormFloat64()
		v := 1 + x/math.Sqrt(9*d)
		if v = v * v * v; v > 0 && math.Log(1-r.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// often is how often something happens in so many runs.
func often(runs int, happens func() bool) float64 {
	count := 0
	for range runs {
		if happens() {
			count++
		}
	}
	return float64(count) / float64(runs)
}
