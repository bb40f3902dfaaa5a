package record

import (
	"encoding/json"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Requests and arrivals are what there are millions of; a field that the codec does not know would make them slow.
func TestManyFactsAreFlat(t *testing.T) {
	assert.NotEmpty(t, newCodec[Request]().fields)
	assert.NotEmpty(t, newCodec[Arrival]().fields)
	assert.Empty(t, newCodec[Injection]().fields)
	assert.Empty(t, newCodec[struct {
		At time.Time `json:"at"`
	}]().fields, "which has a way of its own to be written")
	assert.Empty(t, newCodec[struct{ Untagged int }]().fields)
}

// The codec's format is that of encoding/json, to the byte, whatever is in a fact.
func TestCodecWritesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		request, arrival := drawn[Request](t), drawn[Arrival](t)
		sameText(t, request)
		sameText(t, arrival)
	})
	sameText(t, facts().Injections[0])
	sameText(t, struct {
		Empty string `json:"empty,omitempty"`
	}{})
}

// requireT is what both testing and rapid have.
type requireT interface {
	require.TestingT
	Helper()
}

func sameText[T any](t requireT, fact T) {
	t.Helper()
	want, err := json.Marshal(fact)
	require.NoError(t, err)
	text, err := newCodec[T]().encode(nil, &fact)
	require.NoError(t, err)
	require.Equal(t, string(want)+"\n", string(text))
	sameFact[T](t, text)
}

// sameFact reads a line with the codec and with encoding/json.
func sameFact[T any](t requireT, line []byte) {
	t.Helper()
	var want, got T
	wrong := json.Unmarshal(line, &want)
	err := newCodec[T]().decode(line, &got)
	require.Equal(t, wrong == nil, err == nil, "%v and %v of %q", wrong, err, line)
	if err == nil {
		require.Equal(t, want, got, "%q", line)
	}
}

// drawn fills every field with something, often with something odd.
func drawn[T any](t *rapid.T) T {
	var fact T
	v := reflect.ValueOf(&fact).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch field := v.Field(i); field.Kind() {
		case reflect.String:
			field.SetString(rapid.OneOf(rapid.StringMatching(`[a-z-]{0,5}`), rapid.String()).Draw(t, name))
		case reflect.Bool:
			field.SetBool(rapid.Bool().Draw(t, name))
		default:
			field.SetInt(rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Int64()).Draw(t, name))
		}
	}
	return fact
}

// Whatever a line is, the codec makes of it what encoding/json does.
func FuzzCodec(f *testing.F) {
	for _, line := range []string{
		`{"id":"a-1","method":"GET","due":-5,"status":200}` + "\n", `{"id":"a"}`, `{"id":`, `{"id":"a","due":`, `{"id":"a","due":-`, `{}`, `{"id":"a",}`,
		`{"id":"a"}}`, `{"id":"a"} `, `{"id":"a"} x`, `{"method":"GET","id":"a"}`, `{"ID":"a"}`, `{"id":null}`, `{"id":"\u0041"}`, `{"id":"ä"}`,
		`{"id":"a","due":1.5}`, `{"id":"a","due":1e3}`, `{"id":"a","due":01}`, `{"id":"a","due":9223372036854775807}`, `{"id":"a","due":99999999999999999999}`,
		`{"id":"a","intact":true}`, `{"id":"a","intact":truefalse}`, `{"id":"a","intact":fals}`, `null`, ``, `[]`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		sameFact[Request](t, line)
		sameFact[Arrival](t, line)
	})
}

func TestWordsAreShared(t *testing.T) {
	codec := newCodec[Request]()
	var first, second Request
	line := []byte(`{"id":"a","method":"GET","path":"/orders"}` + "\n")
	require.NoError(t, codec.decode(line, &first))
	allocated := testing.AllocsPerRun(10, func() { require.NoError(t, codec.decode(line, &second)) })
	assert.LessOrEqual(t, allocated, 2.0, "the id, and nothing else that grows")
	assert.Equal(t, first, second)
	for i := range 2 * mostWords {
		require.NoError(t, codec.decode([]byte(`{"path":"/`+strconv.Itoa(i)+`"}`+"\n"), &second))
	}
	assert.Len(t, codec.words, mostWords, "bounded, whatever is in them")
}

// The order of the fields in a line says nothing: that of the files has been another one.
func TestOrderOfFieldsSaysNothing(t *testing.T) {
	for _, line := range []string{
		`{"id":"a","backend":"b","sequence":1,"at":5,"intact":true,"action":"answered","executed":true,"status":200}` + "\n",
		`{"status":200,"executed":true,"action":"answered","intact":true,"at":5,"sequence":1,"backend":"b","id":"a"}` + "\n",
		`{"id":"z","id":"a","backend":"b","sequence":1,"at":5,"intact":true,"executed":true,"action":"answered","status":200}` + "\n",
	} {
		var got Arrival
		require.True(t, newCodec[Arrival]().decodeFlat([]byte(line), reflect.ValueOf(&got).Elem()), "without encoding/json, which takes ten times as long")
		assert.Equal(t, Arrival{ID: "a", Backend: "b", Sequence: 1, At: 5, Intact: true, Executed: true, Action: Answered, Status: 200}, got)
		sameFact[Arrival](t, []byte(line))
	}
}
