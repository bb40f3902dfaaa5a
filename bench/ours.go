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
	var requests []record.Request
	client := load.Client{
		Address: strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"), Dial: dialer.DialContext,
		Clock: record.StartClock(), Patience: 5 * time.Second, Began: func(time.Duration) {},
		Seen: func(r record.Request) { requests = append(requests, r) },
	}
	err := client.Run(ctx, load.Closed{Connections: connections, For: lasts, Request: load.GET("/")}, 1)
	answers := 0
	for _, r := range requests {
		if r.Outcome == record.Complete && r.Status == http.StatusOK {
			answers++
		}
	}
	return answers, err
}
