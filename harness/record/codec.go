package record

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// codec writes and reads flat facts, those of strings, whole numbers and yes or no, to the letter as encoding/json does,
// in a fraction of its time and without its garbage: there are millions of them. What it does not know it leaves to
// encoding/json, a line at a time, so there is one format and not two.
type codec[T any] struct {
	fields []flatField // nil if the facts are not flat
	// words are the strings seen so far that are likely to come again: methods, paths, names of backends.
	words map[string]string
	// ids are the requests that a fact belongs to, if they are known: it shares its request's id.
	ids *index
	// room is where strings of their own lie side by side: an allocation for each would cost more than they are long.
	room strings.Builder
}

type flatField struct {
	key       string // quoted, with its colon
	kind      reflect.Kind
	omitEmpty bool
	unique    bool // no two facts share it
}

// mostWords bounds what is kept of strings that turn out not to come again.
const mostWords = 1 << 12

// roomSize is small, since a string keeps all of its room in memory.
const roomSize = 1 << 12

func newCodec[T any]() *codec[T] {
	c := &codec[T]{words: map[string]string{}}
	for field := range reflect.TypeFor[T]().Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		f := flatField{key: strconv.Quote(name) + ":", kind: field.Type.Kind(), omitEmpty: options == "omitempty", unique: name == "id"}
		if name == "" || name == "-" || options != "" && !f.omitEmpty || !flat(field.Type) {
			return &codec[T]{}
		}
		c.fields = append(c.fields, f)
	}
	return c
}

// flat reports whether this codec writes values of the type as encoding/json does.
func flat(t reflect.Type) bool {
	pointer := reflect.PointerTo(t)
	if pointer.Implements(reflect.TypeFor[json.Marshaler]()) || pointer.Implements(reflect.TypeFor[encoding.TextMarshaler]()) ||
		pointer.Implements(reflect.TypeFor[json.Unmarshaler]()) || pointer.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return false
	}
	return slices.Contains([]reflect.Kind{reflect.String, reflect.Int, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Bool}, t.Kind())
}

// encode appends the fact and the end of its line.
func (c *codec[T]) encode(text []byte, fact *T) ([]byte, error) {
	if c.fields == nil {
		whole, err := json.Marshal(fact)
		return append(append(text, whole...), '\n'), err
	}
	value, separator := reflect.ValueOf(fact).Elem(), byte('{')
	for i := range c.fields {
		f, v := &c.fields[i], value.Field(i)
		if f.omitEmpty && v.IsZero() {
			continue
		}
		text = append(append(text, separator), f.key...)
		separator = ','
		switch f.kind {
		case reflect.String:
			text = appendString(text, v.String())
		case reflect.Bool:
			text = strconv.AppendBool(text, v.Bool())
		default:
			text = strconv.AppendInt(text, v.Int(), 10)
		}
	}
	if separator == '{' {
		text = append(text, '{')
	}
	return append(text, '}', '\n'), nil
}

func appendString(text []byte, s string) []byte {
	for i := range len(s) {
		if !plain(s[i]) {
			quoted, _ := json.Marshal(s) // a string never fails
			return append(text, quoted...)
		}
	}
	return append(append(append(text, '"'), s...), '"')
}

// plain reports whether a byte stands for itself in a JSON string, and so says encoding/json.
func plain(b byte) bool {
	return b >= ' ' && b < 0x7f && b != '"' && b != '\\' && b != '<' && b != '>' && b != '&'
}

// decode reads one line.
func (c *codec[T]) decode(line []byte, fact *T) error {
	if c.fields != nil && c.decodeFlat(line, reflect.ValueOf(fact).Elem()) {
		return nil
	}
	var none T
	*fact = none
	return json.Unmarshal(line, fact)
}

// decodeFlat reports whether the line is one that encode could have written; if it is not, it may be good JSON all the same.
func (c *codec[T]) decodeFlat(line []byte, value reflect.Value) bool {
	if len(line) == 0 || line[0] != '{' {
		return false
	}
	rest := line[1:]
	for i := 0; ; i++ {
		if i = c.next(i, rest); i < 0 {
			return false
		}
		f, known := &c.fields[i], false
		if rest, known = c.read(f, rest[len(f.key):], value.Field(i)); !known || len(rest) == 0 {
			return false
		}
		if rest[0] == '}' {
			return string(rest) == "}\n"
		}
		if rest[0] != ',' {
			return false
		}
		rest = rest[1:]
	}
}

// next is the place of the field that the text begins with, or -1. It is sought from a place on, since fields are written in
// their order and some are left out; and then from the first one on, since the order was another once.
func (c *codec[T]) next(from int, text []byte) int {
	for n := range c.fields {
		if at := (from + n) % len(c.fields); bytes.HasPrefix(text, []byte(c.fields[at].key)) {
			return at
		}
	}
	return -1
}

// read reads the value of a field and returns what comes after it.
func (c *codec[T]) read(f *flatField, text []byte, into reflect.Value) (rest []byte, known bool) {
	switch f.kind {
	case reflect.String:
		if len(text) == 0 || text[0] != '"' {
			return nil, false
		}
		end := 1
		for end < len(text) && plain(text[end]) {
			end++
		}
		if end == len(text) || text[end] != '"' {
			return nil, false
		}
		into.SetString(c.word(f, text[1:end]))
		return text[end+1:], true
	case reflect.Bool:
		is := bytes.HasPrefix(text, []byte("true"))
		into.SetBool(is)
		if is {
			return text[len("true"):], true
		}
		return bytes.CutPrefix(text, []byte("false"))
	default:
		return readInt(text, into)
	}
}

// word is the text as a string, the same one each time unless every fact has its own.
func (c *codec[T]) word(f *flatField, text []byte) string {
	if f.unique {
		if c.ids != nil {
			if n := c.ids.find(string(text)); n >= 0 { // compiled without an allocation, unless an id is long
				return c.ids.requests[n].ID
			}
		}
		return c.own(text)
	}
	if word, seen := c.words[string(text)]; seen { // compiled without an allocation
		return word
	}
	word := string(text)
	if len(c.words) < mostWords {
		c.words[word] = word
	}
	return word
}

// own is the text as a string of its own.
func (c *codec[T]) own(text []byte) string {
	if c.room.Cap()-c.room.Len() < len(text) {
		c.room.Reset() // into new room: what lies in the old one stays
		c.room.Grow(max(roomSize, len(text)))
	}
	begin := c.room.Len()
	c.room.Write(text)
	return c.room.String()[begin:]
}

// mostDigits is how many digits fit into an int64 whatever they are.
const mostDigits = 18

func readInt(text []byte, into reflect.Value) (rest []byte, known bool) {
	text, negative := bytes.CutPrefix(text, []byte("-"))
	n, digits := int64(0), 0
	for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
		n = 10*n + int64(text[digits]-'0')
		digits++
	}
	if digits == 0 || digits > mostDigits || text[0] == '0' && digits > 1 || into.OverflowInt(n) {
		return nil, false
	}
	if negative {
		n = -n
	}
	into.SetInt(n)
	return text[digits:], true
}
