package expect

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Override puts another bound in the place of a scenario's own: a team's, which it tightens as its gateway gets better.
type Override struct {
	// Promise says which: the metric of promises, e.g. "failures", or what they are about, as verdicts have it before the
	// colon, e.g. "failures of POST during *". * stands for anything.
	Promise string
	// AtMost is the bound, in the unit of the promise: "none" or "2 %" of a share, "1.5" of a mean, "250ms" of a time.
	AtMost string
	// By is what the verdict says it comes from, e.g. "thresholds.yaml".
	By string
}

// bounded is an expectation whose bound can be another.
type bounded interface {
	Expectation
	// about is the metric, and all of the promise but the bound.
	about() (metric, name string)
	// with is the expectation with that bound.
	with(bound string) (Expectation, error)
}

var _ = []bounded{none{}, atMost{}, meanAtMost{}, latencyAtMost{}, within{}}

// Override is all of the expectations, those with another bound that an override is about. Of several about one promise the
// last counts. It says which of the overrides were about any.
func (all All) Override(overrides []Override) (overridden All, about []bool, err error) {
	overridden, about = append(All{}, all...), make([]bool, len(overrides))
	for i, x := range all {
		b, is := x.(bounded)
		if !is {
			continue
		}
		for n, o := range overrides {
			if !o.isAbout(b) {
				continue
			}
			about[n] = true
			other, err := b.with(o.AtMost)
			if err == nil {
				err = other.Validate()
			}
			if err != nil {
				_, name := b.about()
				return nil, about, fmt.Errorf("%s: at_most: %s: %w", name, o.AtMost, err)
			}
			overridden[i] = rebound{other, o.By}
		}
	}
	return overridden, about, nil
}

func (o Override) isAbout(b bounded) bool {
	metric, name := b.about()
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(o.Promise), `\*`, ".*") + "$"
	return o.Promise == metric || regexp.MustCompile(pattern).MatchString(name)
}

// rebound is an expectation with another bound than the scenario's.
type rebound struct {
	Expectation
	by string
}

func (x rebound) Judge(e Evidence) Verdict {
	v := x.Expectation.Judge(e)
	v.Promise += " (by " + x.by + ")"
	v.By = x.by
	return v
}

func (s Share) about() (metric, name string) { return s.metric, s.name() }

// with is none or at most a share of it.
func (s Share) with(bound string) (Expectation, error) {
	if bound == "none" {
		return s.None(), nil
	}
	number, is := strings.CutSuffix(bound, "%")
	share, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !is || err != nil {
		return nil, errors.New("want none, or a share like 2 %")
	}
	return s.AtMost(math.Round(share*1e9) / 1e9 * Percent), nil
}

func (x none) with(bound string) (Expectation, error) { return x.Share.with(bound) }

func (x atMost) with(bound string) (Expectation, error) { return x.Share.with(bound) }

func (x meanAtMost) about() (metric, name string) { return x.mean.share.about() }

func (x meanAtMost) with(bound string) (Expectation, error) {
	mean, err := strconv.ParseFloat(bound, 64)
	if err != nil {
		return nil, errors.New("want a number like 1.5")
	}
	return x.mean.AtMost(mean), nil
}

func (x latencyAtMost) about() (metric, name string) { return x.latency.share.about() }

func (x latencyAtMost) with(bound string) (Expectation, error) {
	took, err := aTime(bound)
	return x.latency.AtMost(took), err
}

func (x within) about() (metric, name string) { return x.share.about() }

func (x within) with(bound string) (Expectation, error) {
	took, err := aTime(bound)
	return Settling{x.share}.Within(took), err
}

func aTime(bound string) (time.Duration, error) {
	took, err := time.ParseDuration(strings.ReplaceAll(bound, " ", ""))
	if err != nil {
		return 0, errors.New("want a time like 250ms")
	}
	return took, nil
}
