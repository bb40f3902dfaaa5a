package stats

import "math"

// normalQuantile is the z for which a standard normal value lies in ±z with the probability of the level.
func normalQuantile(level Level) float64 {
	return math.Sqrt2 * math.Erfinv(1-level.alpha())
}

// normalTails is the probability that a standard normal value lies outside ±z.
func normalTails(z float64) float64 { return math.Erfc(z / math.Sqrt2) }

// studentTails is the probability that a value of Student's distribution lies outside ±t.
func studentTails(t, freedom float64) float64 {
	return incompleteBeta(freedom/2, 0.5, freedom/(freedom+t*t))
}

// studentQuantile is the t beyond which, on both sides together, a value of Student's distribution lies with
// probability alpha: P(|T| > t) = I_x(freedom/2, 1/2) with x = freedom / (freedom + t²).
func studentQuantile(alpha, freedom float64) float64 {
	const normalFrom = 1e7 // degrees of freedom from which t and z agree to 1e-6
	if freedom > normalFrom {
		return math.Sqrt2 * math.Erfinv(1-alpha)
	}
	within := func(t float64) bool {
		return studentTails(t, freedom) > alpha
	}
	high := 1.0
	for within(high) {
		high *= 2
	}
	return bisect(0, high, within)
}

// incompleteBeta is the regularised incomplete beta function I_x(a, b), by its continued fraction (NIST Digital Library
// of Mathematical Functions, 8.17.22).
func incompleteBeta(a, b, x float64) float64 {
	if x <= 0 {
		return 0
	}
	if x > (a+1)/(a+b+2) { // where the fraction for the complement converges faster
		return 1 - incompleteBeta(b, a, 1-x)
	}
	both, _ := math.Lgamma(a + b)
	first, _ := math.Lgamma(a)
	second, _ := math.Lgamma(b)
	return math.Exp(a*math.Log(x)+b*math.Log1p(-x)+both-first-second) / a * betaFraction(a, b, x)
}

// betaFraction evaluates the continued fraction 1/(1 + d1/(1 + d2/(1 + ...))) by Lentz's method. It converges in about
// sqrt(max(a, b)) steps.
func betaFraction(a, b, x float64) float64 {
	const (
		precision = 1e-15
		tiny      = 1e-300 // stands in for zero in a denominator
		enough    = 1_000_000
	)
	nonZero := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	numerator, denominator := 1.0, 1/nonZero(1-(a+b)*x/(a+1))
	fraction := denominator
	for m := 1.0; m < enough; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		change := 1.0
		for _, d := range [2]float64{even, odd} {
			denominator = 1 / nonZero(1+d*denominator)
			numerator = nonZero(1 + d/numerator)
			change = numerator * denominator
			fraction *= change
		}
		if math.Abs(change-1) < precision {
			break
		}
	}
	return fraction
}

// bisect is the largest number between low and high that still satisfies a condition which low does, high does not, and
// which changes once between them.
func bisect(low, high float64, holds func(float64) bool) float64 {
	for {
		middle := low + (high-low)/2
		switch {
		case middle <= low || middle >= high:
			return low
		case holds(middle):
			low = middle
		default:
			high = middle
		}
	}
}
