// Command bench compares the client of badgateway with other load generators, in one run and on one target: a local nginx
// that answers every request with a small 200. It is a module of its own, so that the others never enter the library's.
//
//	go run . -rounds 5 -for 3s
//
// Then it compares how well they keep to a rate, beside a gateway that works on the same cores.
//
// The order changes from round to round, and what is printed is the median of the ratios within the rounds: a machine
// that is busy in one round is busy for all.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"text/tabwriter"
	"time"
)

// tool is a load generator. Each keeps so many connections busy for a time and says how many answers it counted.
type tool struct {
	name   string
	closed func(ctx context.Context, url string, connections int, lasts time.Duration) (answers int, err error)
}

// The first is ours; ratios are ours to each other's.
var tools = []tool{
	{"badgateway", badgateway}, {"vegeta", vegeta}, {"hey", hey}, {"fortio", fortio}, {"wrk", wrk},
}

func main() {
	rounds := flag.Int("rounds", 5, "how many rounds")
	lasts := flag.Duration("for", 3*time.Second, "how long each tool runs in a round")
	connections := flag.Int("connections", 64, "how many connections are kept busy")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *connections, *lasts); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds, connections int, lasts time.Duration) (err error) {
	url, stop, err := startNginx(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	use := slices.DeleteFunc(slices.Clone(tools), func(t tool) bool {
		if _, err := exec.LookPath("wrk"); t.name == "wrk" && err != nil {
			fmt.Println("wrk is left out: it is not installed")
			return true
		}
		return false
	})
	rates := map[string][]float64{}
	for round := range rounds {
		for i := range use {
			t := use[(i+round)%len(use)]
			began := time.Now()
			answers, err := t.closed(ctx, url, connections, lasts)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			rate := float64(answers) / time.Since(began).Seconds()
			rates[t.name] = append(rates[t.name], rate)
			fmt.Printf("round %d of %d: %-12s %8.0f/s\n", round+1, rounds, t.name, rate)
		}
	}
	if err := table(use, rates, connections); err != nil {
		return err
	}
	return pace(ctx, url, rounds, lasts)
}

// table prints medians, and the ratios within the rounds.
func table(use []tool, rates map[string][]float64, connections int) error {
	fmt.Printf("\nclosed loop, %d connections, a small 200 of nginx\n\n", connections)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "tool\tanswers/s\tours is\tfrom\tto\t\n")
	for _, t := range use {
		ratios := make([]float64, len(rates[t.name]))
		for i, rate := range rates[t.name] {
			ratios[i] = rates[use[0].name][i] / rate
		}
		fmt.Fprintf(w, "%s\t%.0f\t%.2fx\t%.2fx\t%.2fx\t\n", t.name, median(rates[t.name]), median(ratios), slices.Min(ratios), slices.Max(ratios))
	}
	return w.Flush()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted)%2 == 1 {
		return sorted[len(sorted)/2]
	}
	return (sorted[len(sorted)/2-1] + sorted[len(sorted)/2]) / 2
}
