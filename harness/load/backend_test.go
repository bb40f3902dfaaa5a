package load

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/badgateway/badgateway/fixtures/backend"
	"github.com/badgateway/badgateway/harness/record"
)

// What the client says it did is what a real backend says it met, on the same requests. Work that has begun is finished for
// nobody.
func TestMisbehaviourMeetsABackend(t *testing.T) {
	large := Request{Method: "POST", Path: "/orders", Body: 100_000, Answer: 200_000}
	asking := large
	asking.ExpectContinue = true
	for name, test := range map[string]struct {
		rule    Rule
		request Request
		backend backend.Rule // what it does meanwhile; nothing unless said

		outcome          record.Outcome
		read             int64 // of the answer
		action           record.Action
		received         int64 // of the request
		intact, executed bool
	}{
		"abort while waiting": {
			rule: Rule{Do: AbortWhileWaiting, After: 50 * ms, By: FIN}, request: large,
			backend: backend.Rule{ID: "slow", On: backend.OnRequest, Delay: time.Hour},
			outcome: record.Aborted, action: record.Abandoned, received: 100_000, intact: true, executed: true,
		},
		"abort while waiting by a reset": {
			rule: Rule{Do: AbortWhileWaiting, After: 50 * ms, By: RST}, request: large,
			backend: backend.Rule{ID: "slow", On: backend.OnRequest, Delay: time.Hour},
			outcome: record.Aborted, action: record.Abandoned, received: 100_000, intact: true, executed: true,
		},
		"abort upload": {
			rule: Rule{Do: AbortUpload, By: FIN}, request: large,
			outcome: record.Aborted, action: record.Abandoned, received: 50_000,
		},
		"abort upload after a 100": {
			rule: Rule{Do: AbortUpload, Byte: 7, By: FIN}, request: asking,
			outcome: record.Aborted, action: record.Abandoned, received: 7,
		},
		"slow upload": {
			rule: Rule{Do: SlowUpload, Rate: 1_000_000}, request: large,
			outcome: record.Complete, read: 200_000, action: record.Answered, received: 100_000, intact: true, executed: true,
		},
		"slow upload, answered early": {
			rule: Rule{Do: SlowUpload, Rate: 1000}, request: large,
			backend: backend.Rule{
				ID: "early", On: backend.OnRequest, At: backend.BeforeBody, Answer: backend.Answer{Status: 413}, End: backend.FIN,
			},
			outcome: record.Complete, read: 200_000, action: record.Answered, intact: true,
		},
		"slow reader": {
			rule: Rule{Do: SlowReader, Rate: 1_000_000}, request: large,
			outcome: record.Complete, read: 200_000, action: record.Answered, received: 100_000, intact: true, executed: true,
		},
		"half close": {
			rule: Rule{Do: HalfClose}, request: large,
			outcome: record.Complete, read: 200_000, action: record.Answered, received: 100_000, intact: true, executed: true,
		},
		"half close, taken for an abort": {
			rule: Rule{Do: HalfClose}, request: large,
			backend: backend.Rule{ID: "slow", On: backend.OnRequest, Delay: time.Hour},
			outcome: record.Closed, action: record.Abandoned, received: 100_000, intact: true, executed: true,
		},
		"none, with an expectation": {
			request: asking,
			outcome: record.Complete, read: 200_000, action: record.Answered, received: 100_000, intact: true, executed: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			journal := filepath.Join(t.TempDir(), "journal.jsonl")
			server, err := backend.Start("orders-1", listener, journal)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, server.Stop()) })
			if test.backend.ID != "" {
				require.NoError(t, server.Add(test.backend))
			}
			s := step(t, listener.Addr().String(), KeepAlive)
			s.Script = &Script{}
			if test.rule.Do != "" {
				rule := test.rule
				rule.ID = "the id"
				require.NoError(t, s.Script.Add(rule))
			}
			r := s.next(t, test.request)
			assert.Equal(t, test.outcome, r.Outcome, r.Detail)
			assert.Equal(t, test.read, r.Received)
			assert.Equal(t, test.rule.Do != "", r.Injection == "the id")

			var arrivals []record.Arrival
			require.Eventually(t, func() bool { // the client has gone before the backend has noticed
				arrivals = readJournal(t, journal)
				return len(arrivals) == 1 && arrivals[0].Action != record.Unfinished
			}, patience, ms)
			a := arrivals[0]
			assert.Equal(t, test.action, a.Action, a.Detail)
			assert.Equal(t, test.received, a.Received)
			assert.Equal(t, test.intact, a.Intact)
			assert.Equal(t, test.executed, a.Executed)
		})
	}
}

func readJournal(t *testing.T, name string) []record.Arrival {
	t.Helper()
	file, err := os.Open(name)
	require.NoError(t, err)
	defer file.Close()
	arrivals, err := backend.ReadJournal(file, 0)
	require.NoError(t, err)
	return arrivals
}
