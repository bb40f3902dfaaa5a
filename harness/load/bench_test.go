package load

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/harness/wire"
)

// echo is the least that can be asked of a gateway: it answers each request with its id and the marks of its body, and does
// next to no work of its own, so that what is measured is the client.
func echo(b *testing.B) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(func() { _ = listener.Close() })
	body := "hello"
	before := []byte("HTTP/1.1 200 OK\r\nServer: echo\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n" +
		wire.Backend + ": orders-1\r\n" + wire.Length + ": 5\r\n" + wire.Checksum + ": " + wire.Sum([]byte(body)) + "\r\n" + wire.ID + ": ")
	after := []byte("\r\n\r\n" + body)
	go func() {
		for {
			tcp, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer tcp.Close()
				in, out := make([]byte, 4096), make([]byte, 0, 4096)
				mark := []byte(wire.ID + ": ")
				for {
					n, err := tcp.Read(in) // a request is one segment
					if err != nil {
						return
					}
					_, rest, _ := bytes.Cut(in[:n], mark)
					id, _, _ := bytes.Cut(rest, []byte("\r"))
					out = append(append(append(out[:0], before...), id...), after...)
					if _, err := tcp.Write(out); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func benchClient(b *testing.B) Client {
	b.Helper()
	return clientTo(echo(b))
}

// BenchmarkPacing tells how punctual the client is at 2,000 requests per second: the share of the requests that were begun,
// and sent, within 1 ms of when they were due. The machine's own share is that of a program which does nothing but wait: where
// that is low, others keep the processors busy, and no client can be punctual.
func BenchmarkPacing(b *testing.B) {
	b.Run("nothing but waiting", func(b *testing.B) {
		punctual, all := 0, 0
		for b.Loop() {
			clock := record.StartClock()
			sleep := newSleeper(clock)
			for due := time.Duration(0); due < 3*time.Second; due += time.Second / 2000 {
				sleep.until(b.Context(), due)
				all++
				if clock.Now()-due <= time.Millisecond {
					punctual++
				}
			}
			sleep.close()
		}
		b.ReportMetric(100*float64(punctual)/float64(all), "%begun<1ms")
		b.ReportMetric(0, "ns/op")
	})
	for name, l := range map[string]Load{
		"constant": Constant{Rate: 2000, For: 3 * time.Second, Request: GET("/orders")},
		"poisson":  Poisson{Rate: 2000, For: 3 * time.Second, Request: GET("/orders")},
	} {
		b.Run(name, func(b *testing.B) {
			var begun, sent, all int
			var seen []record.Request
			for b.Loop() {
				seen = seen[:0]
				client := benchClient(b)
				client.Seen = func(r record.Request) { seen = append(seen, r) }
				require.NoError(b, client.Run(context.Background(), l, 1))
				for _, r := range seen {
					all++
					if r.Begun-r.Due <= time.Millisecond {
						begun++
					}
					if r.Sent-r.Due <= time.Millisecond {
						sent++
					}
				}
			}
			late := func(q float64, at func(record.Request) time.Duration) float64 {
				return float64(quantile(q, seen, func(r record.Request) time.Duration { return at(r) - r.Due }).Microseconds())
			}
			begin := func(r record.Request) time.Duration { return r.Begun }
			b.ReportMetric(100*float64(begun)/float64(all), "%begun<1ms")
			b.ReportMetric(100*float64(sent)/float64(all), "%sent<1ms")
			b.ReportMetric(late(.5, begin), "p50-µs-late")
			b.ReportMetric(late(.99, begin), "p99-µs-late")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// cpu is the time that the process has spent computing: it tells more than the clock where others compute too.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkClosedLoop is how many requests go through, each of them recorded and its answer verified.
func BenchmarkClosedLoop(b *testing.B) {
	for _, connections := range []int{1, 64} {
		b.Run(fmt.Sprintf("%d connections", connections), func(b *testing.B) {
			client := benchClient(b)
			n, failed := 0, 0
			client.Seen = func(r record.Request) {
				n++
				if r.Failed() || r.Received != 5 || r.Backend != "orders-1" {
					failed++
				}
			}
			b.ReportAllocs()
			var took time.Duration
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			client.Sending = func(sent int) {
				if sent == b.N {
					cancel()
				}
			}
			b.ResetTimer()
			begin, busy := time.Now(), cpu(b)
			_ = client.Run(ctx, Closed{Connections: connections, For: time.Hour, Request: GET("/orders")}, 1)
			took = time.Since(begin)
			b.StopTimer()
			if failed > connections { // those under way as it ended
				b.Fatalf("%d of %d failed", failed, n)
			}
			b.ReportMetric(float64(n)/took.Seconds(), "req/s")
			b.ReportMetric(float64((cpu(b)-busy).Nanoseconds())/1000/float64(n), "cpu-µs/req") // the other side's too
		})
	}
}
