package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	attack "github.com/tsenart/vegeta/v12/lib"

	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
)

// paceRate is in requests per second.
const paceRate = 2000

// pacer sends so many requests per second for a time, and says how late it turned to each of them: before it opens a
// connection where it has to, since that is what vegeta tells too. Nobody knows when vegeta began, so its schedule begins
// with the earliest of its requests, which flatters it.
type pacer struct {
	name string
	late func(ctx context.Context, url string, lasts time.Duration) ([]time.Duration, error)
}

var pacers = []pacer{{"badgateway", ourPace}, {"vegeta", vegetaPace}}

// pace compares how well requests are sent when they are due, beside a gateway that has its work to do on the same cores:
// the target proxies to another server of its own.
func pace(ctx context.Context, url string, rounds int, lasts time.Duration) error {
	within := map[string][]float64{}
	all := map[string][]time.Duration{}
	for round := range rounds {
		for i := range pacers {
			p := pacers[(i+round)%len(pacers)]
			late, err := p.late(ctx, url+"proxied", lasts)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			within[p.name] = append(within[p.name], share(late, time.Millisecond))
			all[p.name] = append(all[p.name], late...)
		}
	}
	fmt.Printf("\nopen loop, %d/s, through nginx to nginx: turned to so long after they were due\n\n", paceRate)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "tool\twithin 1 ms\tfrom\tto\tmedian\t99 %%\tmost\t\n")
	for _, p := range pacers {
		late, shares := all[p.name], within[p.name]
		slices.Sort(late)
		fmt.Fprintf(w, "%s\t%.2f %%\t%.2f %%\t%.2f %%\t%s\t%s\t%s\t\n", p.name, median(shares), slices.Min(shares), slices.Max(shares),
			late[len(late)/2].Round(time.Microsecond), late[len(late)*99/100].Round(time.Microsecond), late[len(late)-1].Round(time.Microsecond))
	}
	return w.Flush()
}

// share is how many percent are late by at most so much.
func share(late []time.Duration, most time.Duration) float64 {
	n := 0
	for _, d := range late {
		if d <= most {
			n++
		}
	}
	return 100 * float64(n) / float64(len(late))
}

func ourPace(ctx context.Context, url string, lasts time.Duration) ([]time.Duration, error) {
	address, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	var dialer net.Dialer
	late := make([]time.Duration, 0, int(paceRate*lasts.Seconds()))
	client := load.Client{
		Address: address, Dial: dialer.DialContext, Clock: record.StartClock(), Patience: 5 * time.Second, Began: func(time.Duration) {},
		Seen: func(r record.Request) { late = append(late, r.Begun-r.Due) },
	}
	return late, client.Run(ctx, load.Constant{Rate: paceRate, For: lasts, Request: load.GET("/" + path)}, 1)
}

func vegetaPace(ctx context.Context, url string, lasts time.Duration) ([]time.Duration, error) {
	attacker := attack.NewAttacker(attack.KeepAlive(true))
	defer context.AfterFunc(ctx, func() { attacker.Stop() })()
	targeter := attack.NewStaticTargeter(attack.Target{Method: http.MethodGet, URL: url})
	sent := map[uint64]time.Time{}
	for result := range attacker.Attack(targeter, attack.Rate{Freq: paceRate, Per: time.Second}, lasts, "bench") {
		sent[result.Seq] = result.Timestamp
	}
	due := func(seq uint64) time.Duration { return time.Duration(seq) * time.Second / paceRate }
	var began time.Time
	for seq, at := range sent {
		if zero := at.Add(-due(seq)); began.IsZero() || zero.Before(began) {
			began = zero
		}
	}
	var late []time.Duration
	for seq, at := range sent {
		late = append(late, at.Sub(began)-due(seq))
	}
	return late, ctx.Err()
}
