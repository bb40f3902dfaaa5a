package load

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// Constant is an open loop at a constant rate.
type Constant struct {
	// Rate is in requests per second.
	Rate float64
	// For is how long requests are sent.
	For time.Duration
	// Request says what is sent: one request, or a Mix.
	Request Source
	// Connections says how the client uses its connections; the zero value keeps them alive.
	Connections Connections
	// Timeout is the client's own deadline for one request, from the moment it turns to it. Zero means that the client
	// waits: a request still unanswered when the run has to end has hung.
	Timeout time.Duration
	// Warmup is how long, at the beginning, requests are sent that are not judged.
	Warmup time.Duration

	_ struct{}
}

// Poisson is an open loop of requests at random instants, independent of each other, as many users make them: bursts and
// lulls come by themselves. Only their number is not left to chance, so that as much is known with every seed.
type Poisson struct {
	// Rate is the mean, in requests per second.
	Rate float64
	// The others are as in Constant.
	For         time.Duration
	Request     Source
	Connections Connections
	Timeout     time.Duration
	Warmup      time.Duration

	_ struct{}
}

// Ramp is an open loop whose rate goes evenly from one to another.
type Ramp struct {
	// From and To are in requests per second; one of them may be zero.
	From, To float64
	// The others are as in Constant.
	For         time.Duration
	Request     Source
	Connections Connections
	Timeout     time.Duration
	Warmup      time.Duration

	_ struct{}
}

// Step is one step of Steps.
type Step struct {
	// Rate is in requests per second; zero is a pause.
	Rate float64
	For  time.Duration
}

// Steps is an open loop whose rate goes in steps.
type Steps struct {
	Steps []Step
	// The others are as in Constant.
	Request     Source
	Connections Connections
	Timeout     time.Duration
	Warmup      time.Duration

	_ struct{}
}

// Spike is an open loop at a constant rate, and for a time at another one.
type Spike struct {
	// Rate is in requests per second, and so is Peak, the rate during the spike.
	Rate, Peak float64
	// At is when the spike begins, since the load began, and Width how long it lasts.
	At, Width time.Duration
	// The others are as in Constant; For is that of all.
	For         time.Duration
	Request     Source
	Connections Connections
	Timeout     time.Duration
	Warmup      time.Duration

	_ struct{}
}

func (c Constant) stream() stream {
	s := profile{{c.Rate, c.Rate, c.For}}.stream()
	s.how, s.wrong = fmt.Sprintf("at %g/s", c.Rate), problems(rateProblem(c.Rate))
	s.request, s.connections, s.timeout, s.warmup = c.Request, c.Connections, c.Timeout, c.Warmup
	return s
}

func (l Poisson) stream() stream {
	s := profile{{l.Rate, l.Rate, l.For}}.stream()
	s.arrivals = scattered(s.count, l.For)
	s.how, s.wrong = fmt.Sprintf("at random, %g/s", l.Rate), problems(rateProblem(l.Rate))
	s.request, s.connections, s.timeout, s.warmup = l.Request, l.Connections, l.Timeout, l.Warmup
	return s
}

func (l Ramp) stream() stream {
	s := profile{{l.From, l.To, l.For}}.stream()
	s.how, s.wrong = fmt.Sprintf("at %g/s to %g/s", l.From, l.To), problems(pauseProblem(l.From), pauseProblem(l.To))
	s.request, s.connections, s.timeout, s.warmup = l.Request, l.Connections, l.Timeout, l.Warmup
	return s
}

func (l Steps) stream() stream {
	var way profile
	var words []string
	var wrong []error
	for _, step := range l.Steps {
		way = append(way, segment{step.Rate, step.Rate, step.For})
		words = append(words, fmt.Sprintf("%g/s for %s", step.Rate, step.For))
		wrong = append(wrong, pauseProblem(step.Rate))
		if step.For <= 0 {
			wrong = append(wrong, fmt.Errorf("load: a step for %s, want a positive duration", step.For))
		}
	}
	s := way.stream()
	s.how, s.wrong = "in steps ("+strings.Join(words, ", ")+")", problems(wrong...)
	s.request, s.connections, s.timeout, s.warmup = l.Request, l.Connections, l.Timeout, l.Warmup
	return s
}

func (l Spike) stream() stream {
	s := profile{{l.Rate, l.Rate, l.At}, {l.Peak, l.Peak, l.Width}, {l.Rate, l.Rate, l.For - l.At - l.Width}}.stream()
	s.how = fmt.Sprintf("at %g/s, with %g/s from %s to %s", l.Rate, l.Peak, l.At, l.At+l.Width)
	s.wrong = problems(pauseProblem(l.Rate), pauseProblem(l.Peak))
	if l.At < 0 || l.Width <= 0 || l.At > l.For-l.Width {
		s.wrong = append(s.wrong, fmt.Errorf("load: a spike at %s for %s does not lie within the load of %s", l.At, l.Width, l.For))
	}
	s.lasts = l.For
	s.request, s.connections, s.timeout, s.warmup = l.Request, l.Connections, l.Timeout, l.Warmup
	return s
}

// problems leaves out what is no problem.
func problems(all ...error) (left []error) {
	for _, err := range all {
		if err != nil {
			left = append(left, err)
		}
	}
	return left
}

// segment is a stretch of time in which the rate goes evenly from one to another.
type segment struct {
	from, to float64
	lasts    time.Duration
}

// holds is how many requests fall into the segment: the integral of the rate.
func (s segment) holds() float64 { return (s.from + s.to) / 2 * s.lasts.Seconds() }

// at is when, since its beginning, the integral of the rate has come to n.
func (s segment) at(n float64) time.Duration {
	switch {
	case n <= 0:
		return 0
	case s.from == s.to:
		return time.Duration(n / s.from * float64(time.Second))
	}
	// From·t + (To-From)·t²/2T = n, solved such that nothing cancels out.
	root := math.Sqrt(max(0, s.from*s.from+2*n*(s.to-s.from)/s.lasts.Seconds()))
	return min(s.lasts, time.Duration(2*n/(s.from+root)*float64(time.Second)))
}

// profile is how the rate goes.
type profile []segment

// rounding is how far floating point may leave a whole number of requests short of itself: 100/s for 570 ms are 57.
const rounding = 1e-6

func (p profile) stream() stream {
	s := stream{}
	total := 0.
	for _, part := range p {
		s.lasts += part.lasts
		total += part.holds()
	}
	s.count = int(total + rounding)
	s.arrivals = func(uint64) iter.Seq[time.Duration] { return p.arrivals(s.count) }
	return s
}

// arrivals are the instants at which the integral of the rate passes a whole number, from 0.
func (p profile) arrivals(count int) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		i, before, begin := 0, 0., time.Duration(0)
		for _, part := range p {
			for ; i < count && float64(i) < before+part.holds()-rounding; i++ {
				if !yield(begin + part.at(float64(i)-before)) {
					return
				}
			}
			before += part.holds()
			begin += part.lasts
		}
	}
}

// scattered are so many instants, independent of each other: a Poisson process of which the number is known. In their order
// they lie as the sums of exponential gaps do, scaled to the time there is (Devroye, Non-Uniform Random Variate Generation,
// V.3.1), which takes two rounds of the same draws and no memory.
func scattered(count int, lasts time.Duration) func(seed uint64) iter.Seq[time.Duration] {
	return func(seed uint64) iter.Seq[time.Duration] {
		return func(yield func(time.Duration) bool) {
			draws := func() *rand.Rand { return rand.New(rand.NewPCG(seed, 0x706f6973736f6e)) }
			total, random := 0., draws()
			for range count + 1 {
				total += random.ExpFloat64()
			}
			sum, random := 0., draws()
			for range count {
				sum += random.ExpFloat64()
				if !yield(time.Duration(sum / total * float64(lasts))) {
					return
				}
			}
		}
	}
}
