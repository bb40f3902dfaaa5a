package stats_test

import (
	"fmt"

	"github.com/badgateway/badgateway/harness/stats"
)

func ExampleCount_Interval() {
	failures := stats.Count{K: 224, N: 2000}
	interval := failures.Interval(stats.Confidence95)
	fmt.Printf("%.1f %% (95 %% interval %.1f-%.1f %%)\n", 100*failures.Share(), 100*interval.Low, 100*interval.High)
	fmt.Println("over 5 %:", interval.Over(0.05))
	// Output:
	// 11.2 % (95 % interval 9.9-12.7 %)
	// over 5 %: true
}

// No failure in 100 requests does not show that there are none: there may still be 3 %.
func ExampleCount_Interval_ruleOfThree() {
	interval := stats.Count{K: 0, N: 100}.Interval(stats.Confidence95)
	fmt.Printf("%.2f %% to %.2f %%\n", 100*interval.Low, 100*interval.High)
	// Output:
	// 0.00 % to 2.95 %
}

func ExampleCount_Needed() {
	clean := stats.Count{K: 0, N: 100}
	fmt.Println(clean.Interval(stats.Confidence95).AtOrUnder(0.01), clean.Needed(0.01, stats.Confidence95))

	onTheBound := stats.Count{K: 1, N: 100}
	fmt.Println(onTheBound.Interval(stats.Confidence95).AtOrUnder(0.01), onTheBound.Needed(0.01, stats.Confidence95))
	// Output:
	// false {299 true}
	// false {0 false}
}

func ExampleSample() {
	var attempts stats.Sample
	for _, n := range []float64{1, 2, 1, 1, 3, 1, 2, 1, 1, 1} {
		attempts.Add(n)
	}
	interval := attempts.Interval(stats.Confidence95)
	fmt.Printf("%.2f attempts per request (95 %% interval %.2f-%.2f, n=%d)\n",
		attempts.Mean(), interval.Low, interval.High, attempts.N())
	// Output:
	// 1.40 attempts per request (95 % interval 0.90-1.90, n=10)
}

// Five rounds of each, in turns: the new version fails more often, though its rounds vary.
func ExampleCompareRounds() {
	before := []stats.Count{{K: 9, N: 1000}, {K: 12, N: 1000}, {K: 8, N: 1000}, {K: 10, N: 1000}, {K: 11, N: 1000}}
	after := []stats.Count{{K: 25, N: 1000}, {K: 41, N: 1000}, {K: 22, N: 1000}, {K: 35, N: 1000}, {K: 27, N: 1000}}
	c := stats.CompareRounds(before, after, stats.Confidence95)
	fmt.Printf("%+.1f points (95 %% interval %.1f-%.1f), p = %.4f\n", 100*c.Difference.Value, 100*c.Difference.Low, 100*c.Difference.High, c.P)
	fmt.Printf("%.1f %% would have been seen\n", 100*c.Critical.More)
	// Output:
	// +2.0 points (95 % interval 1.3-2.8), p = 0.0005
	// 1.8 % would have been seen
}
