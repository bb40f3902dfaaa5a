package record_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/badgateway/badgateway/harness/record"
)

// window is applied between 100 and 110 ms and lifted between 200 and 220 ms.
var window = record.Injection{
	ID:      "close on orders-2",
	Applied: record.Span{Begin: ms(100), End: ms(110)},
	Lifted:  record.Span{Begin: ms(200), End: ms(220)},
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func TestPhaseHolds(t *testing.T) {
	for name, test := range map[string]struct {
		sent, done time.Duration
		parts      []record.Part // besides the whole
	}{
		"well before":                        {ms(10), ms(20), []record.Part{record.Before}},
		"done as the fault begins":           {ms(90), ms(100), []record.Part{record.Before}},
		"straddles the beginning":            {ms(90), ms(100) + 1, nil},
		"straddles the whole of applying":    {ms(90), ms(115), nil},
		"within applying":                    {ms(101), ms(109), nil},
		"sent while it is applied":           {ms(110) - 1, ms(150), nil},
		"sent as it is in force":             {ms(110), ms(150), []record.Part{record.During}},
		"well during":                        {ms(120), ms(180), []record.Part{record.During}},
		"done as lifting begins":             {ms(150), ms(200), []record.Part{record.During}},
		"straddles the lifting":              {ms(150), ms(200) + 1, []record.Part{record.During}},
		"straddles the window":               {ms(90), ms(230), nil},
		"sent during, done long after":       {ms(150), ms(900), []record.Part{record.During}},
		"within lifting":                     {ms(201), ms(219), nil},
		"sent while it is lifted":            {ms(220) - 1, ms(250), nil},
		"sent as it is lifted":               {ms(220), ms(250), []record.Part{record.After}},
		"well after":                         {ms(500), ms(600), []record.Part{record.After}},
		"as long as applying and lifting in": {ms(110), ms(200), []record.Part{record.During}},
	} {
		t.Run(name, func(t *testing.T) {
			exchange := record.Exchange{Request: &record.Request{Sent: test.sent, Done: test.done}}
			assert.True(t, record.Phase{}.Holds(exchange, window), "the whole run holds everything")
			var parts []record.Part
			for _, part := range []record.Part{record.Before, record.During, record.After} {
				if (record.Phase{Window: window.ID, Part: part}).Holds(exchange, window) {
					parts = append(parts, part)
				}
			}
			assert.Equal(t, test.parts, parts)
		})
	}
}

func TestSettlingIsLeftOut(t *testing.T) {
	after := record.Phase{Window: window.ID, Part: record.After, Settle: ms(50)}
	for sent, want := range map[time.Duration]bool{ms(220): false, ms(270) - 1: false, ms(270): true, ms(400): true} {
		exchange := record.Exchange{Request: &record.Request{Sent: sent, Done: sent + ms(5)}}
		assert.Equal(t, want, after.Holds(exchange, window), "sent at %s", sent)
	}
}

func TestWarmupBelongsToNoPhase(t *testing.T) {
	exchange := record.Exchange{Request: &record.Request{Sent: ms(120), Done: ms(130), Warmup: true}}
	for _, part := range []record.Part{record.Whole, record.Before, record.During, record.After} {
		assert.False(t, record.Phase{Window: window.ID, Part: part}.Holds(exchange, window), "%s", part)
	}
}

func TestUnknownPartHoldsNothing(t *testing.T) {
	exchange := record.Exchange{Request: &record.Request{Sent: ms(120), Done: ms(130)}}
	assert.False(t, record.Phase{Window: window.ID, Part: "between"}.Holds(exchange, window))
}

// No exchange is counted in two parts of a run.
func TestPartsDoNotOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Duration(0)
		next := func(name string) time.Duration {
			at += time.Duration(rapid.IntRange(0, 20).Draw(t, name))
			return at
		}
		injection := record.Injection{
			Applied: record.Span{Begin: next("apply"), End: next("applied")},
			Lifted:  record.Span{Begin: next("lift"), End: next("lifted")},
		}
		sent := time.Duration(rapid.IntRange(0, 80).Draw(t, "sent"))
		done := sent + time.Duration(rapid.IntRange(1, 80).Draw(t, "took"))
		exchange := record.Exchange{Request: &record.Request{Sent: sent, Done: done}}

		held := 0
		for part, span := range map[record.Part]record.Span{
			record.Before: {End: injection.Applied.Begin},
			record.During: {Begin: injection.Applied.End, End: injection.Lifted.Begin},
			record.After:  {Begin: injection.Lifted.End, End: 1 << 62},
		} {
			holds := record.Phase{Part: part}.Holds(exchange, injection)
			within := span.Begin <= sent && done <= span.End
			if part == record.During { // however long it took
				within = span.Begin <= sent && sent < span.End
			}
			require.Equal(t, within, holds, "%s", part)
			if holds {
				held++
			}
		}
		require.LessOrEqual(t, held, 1)
	})
}

func TestPhaseString(t *testing.T) {
	for want, phase := range map[string]record.Phase{
		"in the whole run":                  {},
		"before close on orders-2":          {Window: window.ID, Part: record.Before},
		"during close on orders-2":          {Window: window.ID, Part: record.During},
		"after close on orders-2":           {Window: window.ID, Part: record.After},
		"from 50ms after close on orders-2": {Window: window.ID, Part: record.After, Settle: ms(50)},
	} {
		assert.Equal(t, want, phase.String())
	}
}
