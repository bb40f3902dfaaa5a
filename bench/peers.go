package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"fortio.org/fortio/fhttp"
	"fortio.org/fortio/periodic"
	"fortio.org/log"
	"github.com/rakyll/hey/requester"
	attack "github.com/tsenart/vegeta/v12/lib"
)

// vegeta sends as fast as its workers get answers: a rate of zero with a fixed number of workers.
func vegeta(ctx context.Context, url string, connections int, lasts time.Duration) (int, error) {
	attacker := attack.NewAttacker(
		attack.Connections(connections), attack.Workers(uint64(connections)), attack.MaxWorkers(uint64(connections)), attack.KeepAlive(true),
	)
	defer context.AfterFunc(ctx, func() { attacker.Stop() })()
	targeter := attack.NewStaticTargeter(attack.Target{Method: http.MethodGet, URL: url})
	answers := 0
	for result := range attacker.Attack(targeter, attack.Rate{Freq: 0}, lasts, "bench") {
		if result.Code == http.StatusOK {
			answers++
		}
	}
	return answers, ctx.Err()
}

// hey is run for a fixed number of requests' worth of time: it is stopped when the time is over.
func hey(ctx context.Context, url string, connections int, lasts time.Duration) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	var report countingWriter
	work := &requester.Work{Request: request, N: 1 << 30, C: connections, Writer: &report, Output: "csv", Timeout: 20}
	work.Init()
	timer := time.AfterFunc(lasts, work.Stop)
	defer timer.Stop()
	work.Run()
	return max(0, report.lines-1), ctx.Err() // one line for each answer behind a heading
}

type countingWriter struct{ lines int }

func (w *countingWriter) Write(text []byte) (int, error) {
	for _, b := range text {
		if b == '\n' {
			w.lines++
		}
	}
	return len(text), nil
}

// fortio uses its own fast client.
func fortio(ctx context.Context, url string, connections int, lasts time.Duration) (int, error) {
	log.SetLogLevelQuiet(log.Error) // it tells of each of its threads
	options := fhttp.HTTPRunnerOptions{
		RunnerOptions: periodic.RunnerOptions{QPS: -1, NumThreads: connections, Duration: lasts, Out: io.Discard},
		HTTPOptions:   fhttp.HTTPOptions{URL: url, NumConnections: connections},
	}
	results, err := fhttp.RunHTTPTest(&options)
	if err != nil {
		return 0, err
	}
	return int(results.RetCodes[http.StatusOK]), ctx.Err()
}

var wrkRequests = regexp.MustCompile(`(\d+) requests in`)

// wrk is a program of its own, with a thread for each of two cores.
func wrk(ctx context.Context, url string, connections int, lasts time.Duration) (int, error) {
	output, err := exec.CommandContext(ctx, "wrk", "-t2", fmt.Sprintf("-c%d", connections), fmt.Sprintf("-d%ds", int(lasts.Seconds())), url).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, output)
	}
	found := wrkRequests.FindSubmatch(output)
	if found == nil {
		return 0, fmt.Errorf("it does not say how many requests: %s", output)
	}
	return strconv.Atoi(string(found[1]))
}
