package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
)

// badgateway keeps a record of every request, and verifies every answer, as it does in a scenario.
func badgateway(ctx context.Context, url string, connections int, lasts time.Duration) (int, error) {
	var dialer net.Dialer
	requests := [][]record.Request{{}} // in pieces: one that grows would be copied over and over
	client := load.Client{
		Address: strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"), Dial: dialer.DialContext,
		Clock: record.StartClock(), Patience: 5 * time.Second, Began: func(time.Duration) {},
		Seen: func(r record.Request) {
			last := len(requests) - 1
			if len(requests[last]) == cap(requests[last]) {
				requests = append(requests, make([]record.Request, 0, 4096))
				last++
			}
			requests[last] = append(requests[last], r)
		},
	}
	err := client.Run(ctx, load.Closed{Connections: connections, For: lasts, Request: load.GET("/")}, 1)
	answers := 0
	for _, piece := range requests {
		for _, r := range piece {
			if r.Outcome == record.Complete && r.Status == http.StatusOK {
				answers++
			}
		}
	}
	return answers, err
}
