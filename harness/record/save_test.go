package record

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A folder with a case.json is complete, so when one of the other files cannot be written there must be none.
func TestIncompleteSaveLeavesNoCase(t *testing.T) {
	for _, name := range []string{RequestsFile, ArrivalsFile, InjectionsFile} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(dir, name, "in the way"), 0o755))
			require.ErrorContains(t, Save(dir, facts()), name)
			assert.NoFileExists(t, filepath.Join(dir, CaseFile))
		})
	}
}

// While a case runs, what it saw up to half a second ago is on disk and can be read, and nobody takes it for a whole record,
// nor for one that was there before.
func TestBrokenOffRunCanBeRead(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Save(dir, facts()))
	synctest.Test(t, func(t *testing.T) {
		running, err := Begin(dir)
		require.NoError(t, err)
		defer running.Close()
		_, err = Load(dir)
		require.ErrorContains(t, err, "no complete record here: the run was broken off before a request was written down")

		for i := range 500 {
			running.Saw(Request{ID: fmt.Sprintf("a-%d", i), Outcome: Complete, Status: 200, Done: time.Duration(i) * time.Millisecond})
		}
		time.Sleep(flushEvery)
		synctest.Wait()
		running.Saw(Request{ID: "lost in the crash"})

		requests, err := readLines[Request](filepath.Join(dir, RequestsFile), 0)
		require.ErrorContains(t, err, RequestsFile+":501: cut short")
		require.Len(t, requests, 500)
		assert.Equal(t, "a-499", requests[499].ID)
		assert.Equal(t, "the run was broken off: 500 requests can be read, 0 of them failed, the last ended at 0.499 s", Remains(dir))
		assert.Equal(t, 501, running.Requests())
	})
	assert.Empty(t, Remains(t.TempDir()))
}

// A disk that is full while the case runs is told at its end.
func TestFailureToWriteIsTold(t *testing.T) {
	running, err := Begin(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, running.requests.file.Close())
	running.Saw(Request{ID: "a-1"})
	running.requests.flush()
	require.ErrorIs(t, running.Save(), os.ErrClosed)
	assert.NoFileExists(t, filepath.Join(running.dir, CaseFile))
	require.Error(t, errors.Join(running.Close()), "and again")
}

// What the files cost on disk; for the eye.
func TestSizeOnDisk(t *testing.T) {
	dir := t.TempDir()
	const n = 20_000
	f := Facts{}
	for i := range n {
		at := time.Duration(i)*500*time.Microsecond + time.Duration(i*i%7919)
		id := fmt.Sprintf("aoi2g0-%d", i)
		f.Requests = append(f.Requests, Request{
			ID: id, Method: "GET", Path: "/orders", Due: at, Begun: at + 12_345, Sent: at + 13_000 + time.Duration(i%977), FirstByte: at + 300_000 + time.Duration(i*31%99_991),
			Done: at + 310_000 + time.Duration(i*37%99_991), Connection: i%7 + 1, Position: i/7 + 1, Outcome: Complete, Status: 200, Backend: "orders-1", Received: 128,
		})
	}
	require.NoError(t, Save(dir, f))
	info, err := os.Stat(filepath.Join(dir, RequestsFile))
	require.NoError(t, err)
	var plain strings.Builder
	codec := newCodec[Request]()
	for i := range f.Requests {
		text, err := codec.encode(nil, &f.Requests[i])
		require.NoError(t, err)
		plain.Write(text)
	}
	t.Logf("%d bytes for a request, %d before", info.Size()/n, plain.Len()/n)
	assert.Less(t, info.Size(), int64(plain.Len()/2))
}

func BenchmarkSaw(b *testing.B) {
	r, err := Begin(b.TempDir())
	require.NoError(b, err)
	defer r.Close()
	q := facts().Requests[0]
	b.ReportAllocs()
	for b.Loop() {
		q.Done += 12_345_678
		q.Due += 1_234_567
		r.Saw(q)
	}
}

func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	f := Facts{Requests: make([]Request, 100_000), Arrivals: make([]Arrival, 100_000)}
	for i := range f.Requests {
		f.Requests[i] = facts().Requests[0]
		f.Requests[i].ID = fmt.Sprintf("aoi2g0-%d", i)
		f.Requests[i].Done = time.Duration(i) * 12_345_678
		f.Arrivals[i] = facts().Arrivals[0]
		f.Arrivals[i].ID = f.Requests[i].ID
	}
	f.Case.Planned = len(f.Requests)
	require.NoError(b, Save(dir, f))
	b.ReportAllocs()
	for b.Loop() {
		_, err := Load(dir)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(f.Requests)), "ns/exchange")
}

// What the gateways' logs say of a request is the request's, if anybody asked. One that a gateway in front has sent several times
// has several lines in the log of the other, of which the last one counts.
func TestBookingsAreTheRequests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := facts()
	running, err := Begin(dir)
	require.NoError(t, err)
	for _, q := range f.Requests {
		running.Saw(q)
	}
	running.Case, running.Arrivals, running.Injections = f.Case, f.Arrivals, f.Injections
	id := f.Requests[0].ID
	running.Bookings = []Booking{
		{ID: id, Status: 502}, {ID: id, Status: 499}, {ID: "somebody else's", Status: 500}, {ID: id, Status: 504, Front: true},
	}
	require.NoError(t, running.Save())
	loaded, err := Load(dir)
	require.NoError(t, err)
	assert.EqualValues(t, 499, loaded.Requests[0].Booked)
	assert.EqualValues(t, 504, loaded.Requests[0].BookedInFront)
	assert.Zero(t, loaded.Requests[len(loaded.Requests)-1].Booked)

	require.NoError(t, Save(dir, f))
	loaded, err = Load(dir)
	require.NoError(t, err)
	assert.Zero(t, loaded.Requests[0].Booked, "those of the record before are gone")
}
