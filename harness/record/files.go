package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Facts are everything that was seen of one scenario on one gateway; judging needs nothing else.
type Facts struct {
	Case       Case
	Requests   []Request
	Arrivals   []Arrival
	Injections []Injection
}

// Version is the version of the files; a program reads its own version and refuses a newer one.
const Version = 1

// Case says what was run: kept in case.json.
type Case struct {
	Version  int    `json:"version"`
	Scenario string `json:"scenario"` // suite and test, e.g. "idleclose/TestPost"
	Gateway  string `json:"gateway"`  // as selected, e.g. "nginx@1.30"
	// Detected is the version that the running gateway told, Image the id of its image and How it was had.
	Detected string `json:"detected"`
	Image    string `json:"image,omitempty"`
	How      string `json:"how,omitempty"`
	Lab      string `json:"lab"`
	Reach    string `json:"reach"`
	// Seed is the run's, which a person can set; ScheduleSeed is the one derived from it for this scenario.
	Seed         uint64 `json:"seed"`
	ScheduleSeed uint64 `json:"schedule_seed"`
	// Planned is how many requests the load was to send.
	Planned int `json:"planned"`
	// Backends, Policy and Load are what was asked for, in words.
	Backends string `json:"backends"`
	Policy   string `json:"policy"`
	Load     string `json:"load"`
	// Began is the wall-clock time at which the run's clock started; Load* are on that clock.
	Began     time.Time     `json:"began"`
	LoadBegan time.Duration `json:"load_began"`
	LoadEnded time.Duration `json:"load_ended"`
	// ClockUncertainty is how far off the instants of arrivals can be.
	ClockUncertainty time.Duration `json:"clock_uncertainty"`
}

// The files of a case's folder.
const (
	CaseFile       = "case.json"
	RequestsFile   = "requests.jsonl"
	ArrivalsFile   = "arrivals.jsonl"
	InjectionsFile = "injections.jsonl"
)

// Save writes the facts into an existing folder; case.json comes last, so that a folder with it is complete.
func Save(dir string, f Facts) error {
	f.Case.Version = Version
	err := errors.Join(
		writeLines(filepath.Join(dir, RequestsFile), f.Requests),
		writeLines(filepath.Join(dir, ArrivalsFile), f.Arrivals),
		writeLines(filepath.Join(dir, InjectionsFile), f.Injections),
	)
	if err != nil {
		return err
	}
	return WriteJSON(filepath.Join(dir, CaseFile), f.Case)
}

// Load reads what Save wrote. Its errors name the file, and the line that is broken.
func Load(dir string) (Facts, error) {
	var f Facts
	if err := ReadJSON(filepath.Join(dir, CaseFile), &f.Case); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return f, fmt.Errorf("%s: no complete record here: %w", dir, err)
		}
		return f, err
	}
	if f.Case.Version != Version {
		return f, fmt.Errorf("%s: version %d, this program reads %d", filepath.Join(dir, CaseFile), f.Case.Version, Version)
	}
	var err error
	if f.Requests, err = readLines[Request](filepath.Join(dir, RequestsFile)); err != nil {
		return f, err
	}
	if f.Arrivals, err = readLines[Arrival](filepath.Join(dir, ArrivalsFile)); err != nil {
		return f, err
	}
	f.Injections, err = readLines[Injection](filepath.Join(dir, InjectionsFile))
	return f, err
}

// WriteJSON writes a value as an indented JSON file, whole or not at all.
func WriteJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return replace(path, append(text, '\n'))
}

// ReadJSON reads a JSON file.
func ReadJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func writeLines[T any](path string, values []T) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for _, v := range values {
		if err := encoder.Encode(v); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return replace(path, text.Bytes())
}

func replace(path string, text []byte) error {
	if err := os.WriteFile(path+".part", text, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

func readLines[T any](path string) ([]T, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	values, err := decodeLines[T](file)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return values, nil
}

func decodeLines[T any](r io.Reader) ([]T, error) {
	var values []T
	lines := bufio.NewReader(r)
	for number := 1; ; number++ {
		text, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(text) == 0 {
			return values, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%d: cut short: %w", number, err)
		}
		var v T
		if err := json.Unmarshal(text, &v); err != nil {
			return nil, fmt.Errorf("%d: %w", number, err)
		}
		values = append(values, v)
	}
}
