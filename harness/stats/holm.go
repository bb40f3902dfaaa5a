package stats

import (
	"cmp"
	"math"
	"slices"
)

// Holm adjusts the p values of a family of tests, such that calling significant what is at or under alpha is wrong even
// once in at most alpha of all families, however the tests hang together. With p ranked from the smallest, of m,
//
//	adjusted(i) = max over j <= i of (m - j + 1)·p(j), and 1 at most
//
// They come back in the order given. A NaN is a test that was not made: it stays NaN and is not counted.
//
// Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979) 65-70.
func Holm(p []float64) []float64 {
	adjusted := slices.Clone(p)
	var made []int
	for i, value := range p {
		if !math.IsNaN(value) {
			made = append(made, i)
		}
	}
	slices.SortStableFunc(made, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	least := 0.0
	for rank, i := range made {
		least = max(least, min(float64(len(made)-rank)*p[i], 1))
		adjusted[i] = least
	}
	return adjusted
}
