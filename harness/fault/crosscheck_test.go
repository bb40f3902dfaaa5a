package fault_test

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
)

// checked is a fault whose receipt is compared with the journal and with what a client has seen that asks the backend
// itself, without a gateway between them that could hide or repeat anything.
type checked struct {
	fault fault.Fault
	of    fault.Victims
	load  load.Constant
	// seen reports whether a request was touched, by what the client saw of it; nil where it cannot see it.
	seen func(record.Request) bool
	// connections says that the receipt counts connections, which the client counts too.
	connections bool
}

// long is longer than any machine that is still of use keeps a request waiting.
const long = time.Second

var (
	third   = fault.EveryRequest(3)
	busy    = load.Constant{Rate: 300, For: 500 * time.Millisecond, Request: load.Mix{load.GET("/orders"), load.POST("/orders")}}
	leisure = load.Constant{Rate: 12, For: time.Second, Request: load.POST("/orders")} // each connection has time to idle
	hasty   = load.Constant{Rate: 100, For: 300 * time.Millisecond, Request: load.GET("/orders"), Timeout: long}
	single  = load.Constant{Rate: 300, For: 300 * time.Millisecond, Request: load.GET("/orders"), Connections: load.PerRequest}
)

var crossChecks = map[string]checked{
	"CloseOnReuse by FIN":         {fault: fault.CloseOnReuse{By: fault.FIN}, of: fault.EveryRequest(2), load: busy, seen: ended(record.Closed)},
	"CloseOnReuse by RST":         {fault: fault.CloseOnReuse{By: fault.RST, Executed: true}, load: busy, seen: ended(record.Reset)},
	"CloseBeforeResponse by FIN":  {fault: fault.CloseBeforeResponse{By: fault.FIN}, of: third, load: busy, seen: ended(record.Closed)},
	"CloseBeforeResponse by RST":  {fault: fault.CloseBeforeResponse{By: fault.RST}, of: fault.OfRequests(0.2), load: busy, seen: ended(record.Reset)},
	"CloseBeforeResponse, unread": {fault: fault.CloseBeforeResponse{By: fault.RST, Unread: true}, of: fault.All().OfMethod("POST"), load: busy, seen: ended(record.Reset)},
	"CloseInHead, status line":    {fault: fault.CloseInHead{At: fault.InStatusLine, By: fault.FIN}, of: third, load: busy, seen: ended(record.Truncated)},
	"CloseInHead, headers":        {fault: fault.CloseInHead{At: fault.InHeaders, By: fault.FIN}, of: third, load: busy, seen: ended(record.Truncated)},
	"CloseInHead, after headers":  {fault: fault.CloseInHead{At: fault.AfterHeaders, By: fault.FIN}, of: third, load: busy, seen: ended(record.Truncated)},
	"CloseInBody by FIN":          {fault: fault.CloseInBody{By: fault.FIN}, of: third, load: busy, seen: ended(record.Truncated)},
	"CloseInBody by RST":          {fault: fault.CloseInBody{By: fault.RST}, of: third, load: busy, seen: ended(record.Truncated, record.Reset)},
	"CloseInBody, chunks":         {fault: fault.CloseInBody{By: fault.FIN, Framing: fault.ByChunks}, of: third, load: busy, seen: ended(record.Truncated)},
	"CloseInBody, by close":       {fault: fault.CloseInBody{By: fault.FIN, Framing: fault.ByClose}, of: third, load: busy, seen: ended(record.Truncated)},
	"DelayResponse":               {fault: fault.DelayResponse{For: long}, of: third, load: busy, seen: took(long)},
	"DelayResponse, body":         {fault: fault.DelayResponse{For: long, At: fault.InBody}, of: third, load: busy, seen: took(long)},
	"DripResponse":                {fault: fault.DripResponse{Every: 20 * time.Millisecond, From: fault.InBody}, of: third, load: busy, seen: took(long)},
	"QueueRequests":               {fault: fault.QueueRequests{Service: long, Servers: 100}, of: third, load: busy, seen: took(long)},
	"HangResponse":                {fault: fault.HangResponse{}, of: third, load: hasty, seen: ended(record.TimedOut)},
	"HangResponse, body":          {fault: fault.HangResponse{At: fault.InBody}, of: third, load: hasty, seen: ended(record.TimedOut)},
	"MalformResponse, status":     {fault: fault.MalformResponse{As: fault.BadStatusLine}, of: third, load: busy, seen: ended(record.Malformed)},
	"MalformResponse, two digits": {fault: fault.MalformResponse{As: fault.ShortStatus}, of: third, load: busy, seen: ended(record.Malformed)},
	"MalformResponse, version":    {fault: fault.MalformResponse{As: fault.OtherVersion}, of: third, load: busy, seen: ended(record.Malformed)},
	"MalformResponse, header":     {fault: fault.MalformResponse{As: fault.BadHeader}, of: third, load: busy, seen: ended(record.Malformed)},
	"MalformResponse, lengths":    {fault: fault.MalformResponse{As: fault.TwoLengths}, of: third, load: busy, seen: ended(record.Malformed)},
	"MalformResponse, framing":    {fault: fault.MalformResponse{As: fault.LengthAndChunks}, of: third, load: busy},
	"OversizeHeaders":             {fault: fault.OversizeHeaders{Bytes: 100_000}, of: third, load: busy, seen: ended(record.Malformed)},
	"InterimResponse":             {fault: fault.InterimResponse{Status: 103}, of: third, load: busy},
	"EarlyResponse":               {fault: fault.EarlyResponse{Status: 413, By: fault.FIN}, of: third, load: busy, seen: status(413)},
	"ErrorStatus":                 {fault: fault.ErrorStatus{Status: 503}, of: fault.OfConnections(0.5), load: single, seen: status(503)},
	"ErrorStatus, first attempts": {fault: fault.ErrorStatus{Status: 500}, of: fault.FirstAttempts(1).UpTo(20), load: busy, seen: status(500)},
	"HTTP10Response":              {fault: fault.HTTP10Response{}, of: third, load: busy},
	"WithholdContinue":            {fault: fault.WithholdContinue{}, of: third, load: busy},

	"IdleTimeout by FIN":    {fault: fault.IdleTimeout{After: idle, By: fault.FIN}, load: leisure, connections: true},
	"IdleTimeout by RST":    {fault: fault.IdleTimeout{After: idle, By: fault.RST}, load: leisure, connections: true},
	"UnsolicitedTimeout":    {fault: fault.UnsolicitedTimeout{After: idle}, load: leisure, connections: true},
	"CloseAfterResponse":    {fault: fault.CloseAfterResponse{By: fault.FIN, After: idle}, load: leisure, connections: true},
	"CloseOnAccept":         {fault: fault.CloseOnAccept{By: fault.FIN}, of: fault.EveryConnection(2), load: single, seen: ended(record.Closed), connections: true},
	"CloseOnAccept, shares": {fault: fault.CloseOnAccept{By: fault.FIN}, of: fault.OfConnections(0.3), load: single, seen: ended(record.Closed), connections: true},
}

func ended(by ...record.Outcome) func(record.Request) bool {
	return func(r record.Request) bool {
		for _, outcome := range by {
			if r.Outcome == outcome {
				return true
			}
		}
		return false
	}
}

func status(code int) func(record.Request) bool {
	return func(r record.Request) bool { return r.Status == code }
}

func took(long time.Duration) func(record.Request) bool {
	return func(r record.Request) bool { return r.Done-r.Sent >= long }
}

// The receipt of a fault, the journal of the backend and the records of the client count the same, exactly.
func TestReceiptsEqualTheOtherCounts(t *testing.T) {
	for name, c := range crossChecks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "stdlib")
			clock := record.StartClock()
			window := fault.Window{On: orders.Replica(1), Of: c.of, Inject: c.fault}
			schedule := fault.Schedule{window}
			require.NoError(t, schedule.Validate(orders, c.load.For, c.load.Count()))
			run, err := schedule.Apply(t.Context(), clock, fault.Field{Site: s.Site}, 7)
			require.NoError(t, err)
			requests := send(t, s.Site(s.direct).Dial, clock, c.load)
			injections, err := run.End(t.Context())
			require.NoError(t, err)
			arrivals, err := s.Arrivals(t.Context(), clock)
			require.NoError(t, err)
			require.Len(t, injections, 1)
			c.compare(t, injections[0].Total(), window.ID(), requests, arrivals)
		})
	}
}

func (c checked) compare(t *testing.T, receipt record.Receipt, id string, requests []record.Request, arrivals []record.Arrival) {
	t.Helper()
	touched, opened := 0, map[int]bool{}
	for _, a := range arrivals {
		if a.Injection == id {
			touched++
		}
	}
	seen := 0
	for _, r := range requests {
		opened[r.Connection] = true
		if c.seen != nil && c.seen(r) {
			seen++
		}
	}
	switch {
	case c.connections && c.seen == nil: // each connection is ended, but for what the client has closed first
		assert.Positive(t, receipt.Connections)
		assert.Equal(t, len(opened), receipt.Connections+receipt.Prevented+receipt.Waiting, "connections: client and receipt")
	case c.connections:
		assert.Equal(t, seen, receipt.Connections, "connections: client and receipt")
		assert.Positive(t, seen)
	default:
		assert.Positive(t, touched)
		assert.Equal(t, touched, receipt.Requests, "requests: journal and receipt")
		assert.Len(t, arrivals, len(requests), "each request arrives once")
		if c.seen != nil {
			assert.Equal(t, touched, seen, "requests: journal and client")
		}
	}
	if c.of == third && c.seen != nil {
		assert.Equal(t, len(requests)/3, seen, "every third")
	}
}

// send sends the load to a backend itself.
func send(t *testing.T, address string, clock record.Clock, l load.Constant) []record.Request {
	t.Helper()
	var seen []record.Request
	var dialer net.Dialer
	client := load.Client{
		Address: address, Dial: dialer.DialContext, Clock: clock, Patience: 5 * time.Second,
		Began: func(time.Duration) {}, Seen: func(r record.Request) { seen = append(seen, r) },
	}
	require.NoError(t, client.Run(t.Context(), l, 11))
	require.Len(t, seen, l.Count())
	return seen
}
