package stats

import "fmt"

// Looks is a rule, fixed before the first trial, for a run that may be extended: a count is looked at so many times at most,
// each time with more trials, and the first look that decides is the last. Looking again until a judgement is the one that
// was hoped for is retrying it: with five looks at 95 % each, a kept promise is called broken in
// 8.5 % of runs, not in 2.5 % (TestLooks). So every look is taken at a higher level, which shares the errors allowed between
// all of them, used or not (Bonferroni):
//
//	1 - alpha/Most          99 % for five looks, where the whole is to be 95 %
//
// Whatever the true share, the bound, and the numbers of trials, a kept promise is then called broken in at most alpha of
// all runs, and a broken one kept. That costs trials: the last look of five needs 1.7 times as many as a run with one
// look would, while a run that is far from its bound is over at the first. Boundaries made for equally spaced looks would be cheaper (Pocock, Group
// sequential methods in the design and analysis of clinical trials, Biometrika 64 (1977) 191-199: 98.4 % for five), but
// hold for large counts only, and here a failure in a thousand is what is looked for.
type Looks struct {
	// Most is how many looks there are at most; 1 or more.
	Most int
	// Level is that of all of them together.
	Level Level
}

// Decision is what a look came to.
type Decision int

// The decisions. The zero Decision decides nothing.
const (
	// Undecided says that this was the last look, and the run cannot tell.
	Undecided Decision = iota
	// Extend says that more trials may be added for another look.
	Extend
	// Kept says that the share is at or under the bound, Broken that it is over it.
	Kept
	Broken
)

// Each is the level of a single look.
func (l Looks) Each() Level {
	if l.Most < 1 {
		panic(fmt.Sprintf("stats: %d looks", l.Most))
	}
	return Level(1 - l.Level.alpha()/float64(l.Most))
}

// Decide is what the look of that number, from 1, comes to. The count is of all trials so far.
func (l Looks) Decide(look int, c Count, bound float64) Decision {
	if look < 1 || look > l.Most {
		panic(fmt.Sprintf("stats: look %d of %d", look, l.Most))
	}
	switch interval := c.Interval(l.Each()); {
	case interval.AtOrUnder(bound):
		return Kept
	case interval.Over(bound):
		return Broken
	case look < l.Most:
		return Extend
	default:
		return Undecided
	}
}
