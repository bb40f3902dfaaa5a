package stats

import "math"

// binomial is P(X = k) for n trials with share p: the measuring stick of the coverage tests.
func binomial(k, n int, p float64) float64 {
	all, _ := math.Lgamma(float64(n + 1))
	these, _ := math.Lgamma(float64(k + 1))
	others, _ := math.Lgamma(float64(n - k + 1))
	return math.Exp(all - these - others + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}
