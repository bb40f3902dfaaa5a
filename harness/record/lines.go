package record

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// compressed is how the name of a compressed file ends.
const compressed = ".gz"

// flushEvery is how much of the facts a crash may lose: what was written before the last flush can be read, whatever
// becomes of the program.
const flushEvery = 500 * time.Millisecond

// lines is a compressed file of JSON lines that is being written. It is safe for concurrent use. Its first error is kept
// and told by close.
type lines[T any] struct {
	mu      sync.Mutex
	file    *os.File
	gzip    *gzip.Writer
	codec   *codec[T]
	fact    T      // the last one
	text    []byte // of it; both are written over
	count   int
	waiting bool // for a flush
	err     error
	stop    chan struct{} // ends the flushing
	stopped sync.WaitGroup
	once    sync.Once
}

// createLines begins the file.
func createLines[T any](path string) (*lines[T], error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	l := &lines[T]{file: file, codec: newCodec[T](), stop: make(chan struct{})}
	l.gzip, _ = gzip.NewWriterLevel(file, gzip.BestSpeed) // fails for an unknown level only
	l.stopped.Go(l.flushing)
	return l, nil
}

// add writes a fact down.
func (l *lines[T]) add(fact T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.fact = fact // has a place that it need not be given anew
		l.text, l.err = l.codec.encode(l.text[:0], &l.fact)
	}
	if l.err == nil {
		_, l.err = l.gzip.Write(l.text)
	}
	l.count++
	l.waiting = true
}

func (l *lines[T]) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// flushing hands what was written to the kernel from time to time, from where it gets to the disk without this program.
func (l *lines[T]) flushing() {
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.flush()
		case <-l.stop:
			return
		}
	}
}

func (l *lines[T]) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting && l.err == nil {
		l.waiting, l.err = false, l.gzip.Flush()
	}
}

// close ends the file, and tells what went wrong with it. It is safe to repeat.
func (l *lines[T]) close() error {
	l.once.Do(func() {
		close(l.stop)
		l.stopped.Wait()
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.err == nil {
			l.err = l.gzip.Close()
		}
		l.err = errors.Join(l.err, l.file.Close())
	})
	return l.err
}

// writeLines writes a whole file, or none.
func writeLines[T any](path string, facts []T) error {
	l, err := createLines[T](path + ".part")
	if err != nil {
		return err
	}
	for _, fact := range facts {
		l.add(fact)
	}
	if err := l.close(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.Rename(path+".part", path)
}

// readLines reads a file that holds about so many facts. What could be read comes with the error, which names the line.
func readLines[T any](path string, about int) ([]T, error) {
	return readLinesOf(path, about, newCodec[T]())
}

func readLinesOf[T any](path string, about int, codec *codec[T]) ([]T, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var text io.Reader = file
	if strings.HasSuffix(path, compressed) {
		if text, err = gzip.NewReader(bufio.NewReader(file)); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	facts, err := decodeLines(text, about, codec)
	if err != nil {
		err = fmt.Errorf("%s:%w", path, err)
	}
	return facts, err
}

// believable bounds the room made for facts that a file only says it has.
const believable = 1 << 22

// longestLine is longer than any head that a gateway lets through.
const longestLine = 1 << 28

func decodeLines[T any](r io.Reader, about int, codec *codec[T]) ([]T, error) {
	facts := make([]T, 0, min(max(about, 0), believable))
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 1<<16), longestLine)
	scanner.Split(wholeLine)
	for scanner.Scan() {
		var fact T
		facts = append(facts, fact)
		last := len(facts) - 1
		if err := codec.decode(scanner.Bytes(), &facts[last]); err != nil {
			return facts[:last], fmt.Errorf("%d: %w", len(facts), err)
		}
	}
	if err := scanner.Err(); err != nil {
		return facts, fmt.Errorf("%d: cut short: %w", len(facts)+1, err)
	}
	return facts, nil
}

// wholeLine is a bufio.SplitFunc of lines with their ends: one without is what an interrupted write leaves.
func wholeLine(text []byte, atEnd bool) (advance int, line []byte, err error) {
	if end := bytes.IndexByte(text, '\n') + 1; end > 0 {
		return end, text[:end], nil
	}
	if atEnd && len(text) > 0 {
		return 0, nil, io.ErrUnexpectedEOF
	}
	return 0, nil, nil
}

// Remains says in words what a run that was broken off left in the folder, or "" where there is none: requests, and no
// case.json, which comes last.
func Remains(dir string) string {
	if _, err := os.Stat(filepath.Join(dir, CaseFile)); err == nil {
		return ""
	}
	requests, err := readLines[Request](filepath.Join(dir, RequestsFile), 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return ""
	case len(requests) == 0:
		return "the run was broken off before a request was written down"
	default:
		last := time.Duration(0)
		failed := 0
		for _, r := range requests {
			last = max(last, r.Done)
			if r.Failed() {
				failed++
			}
		}
		return fmt.Sprintf("the run was broken off: %d requests can be read, %d of them failed, the last ended at %.3f s",
			len(requests), failed, last.Seconds())
	}
}
