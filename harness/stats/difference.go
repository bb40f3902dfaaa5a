package stats

import "math"

// Estimate is a number with its interval.
type Estimate struct {
	Value float64
	Interval
}

// Estimate is the share with its interval ([Count.Interval]).
func (c Count) Estimate(level Level) Estimate {
	return Estimate{Value: c.Share(), Interval: c.Interval(level)}
}

// Less is the estimate of e - other, of two that are independent of each other. Its limits are as far from the difference as
// the limits of both, taken together, are from their values:
//
//	Low  = d - sqrt((e.Value - e.Low)²  + (other.High - other.Value)²)
//	High = d + sqrt((e.High  - e.Value)² + (other.Value - other.Low)²)
//
// For two shares with Wilson's intervals that is Newcombe's hybrid score interval. It needs nothing of the intervals but that
// they are good, and so it takes those of clusters and of means as well (Zou, Donner 2008).
//
// Newcombe, Interval estimation for the difference between independent proportions: comparison of eleven methods, Statistics
// in Medicine 17 (1998) 873-890, method 10. Zou, Donner, Construction of confidence limits about effect measures: a general
// approach, Statistics in Medicine 27 (2008) 1693-1702.
func (e Estimate) Less(other Estimate) Estimate {
	d := e.Value - other.Value
	return Estimate{Value: d, Interval: Interval{
		Low:  d - math.Hypot(e.Value-e.Low, other.High-other.Value),
		High: d + math.Hypot(e.High-e.Value, other.Value-other.Low),
	}}
}
