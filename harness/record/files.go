package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Facts are everything that was seen of one scenario on one gateway; judging needs nothing else.
type Facts struct {
	Case       Case
	Requests   []Request
	Arrivals   []Arrival
	Injections []Injection
}

// Version is the version of the files; a program reads its own version and the one before, and refuses a newer one.
const Version = 2

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
	// Shared is how many labs had the backends' containers before; each began with a new process.
	Shared int `json:"shared,omitempty"`
	// Seed is the run's, which a person can set; ScheduleSeed is the one derived from it for this scenario.
	Seed         uint64 `json:"seed"`
	ScheduleSeed uint64 `json:"schedule_seed"`
	// Planned is how many requests the load was to send.
	Planned int `json:"planned"`
	// Looks is how many looks may be taken at the scenario, if there may be several: this one, and others beside it.
	Looks int `json:"looks,omitempty"`
	// Backends, Policy and Load are what was asked for, in words, and so is Front, where there is one.
	Backends string `json:"backends"`
	Policy   string `json:"policy"`
	Front    string `json:"front,omitempty"`
	Load     string `json:"load"`
	// Began is the wall-clock time at which the run's clock started; Load* are on that clock.
	Began     time.Time     `json:"began"`
	LoadBegan time.Duration `json:"load_began"`
	LoadEnded time.Duration `json:"load_ended"`
	// Retaken says why a run before this one was thrown away unseen, if there was one: its client fell behind.
	Retaken string `json:"retaken,omitempty"`
	// ClockUncertainty is how far off the instants of arrivals can be.
	ClockUncertainty time.Duration `json:"clock_uncertainty"`
}

// The files of a case's folder. Those of facts are JSON lines, compressed; version 1 had them as they are.
const (
	CaseFile       = "case.json"
	RequestsFile   = "requests.jsonl" + compressed
	ArrivalsFile   = "arrivals.jsonl" + compressed
	InjectionsFile = "injections.jsonl" + compressed
	// BookingsFile is there if somebody asked what the gateways' logs say.
	BookingsFile = "bookings.jsonl" + compressed
)

// Recording is the record of a case that is running. Requests go to the disk as they are seen, so that a crash of the
// harness loses the last moment and not the run; the journals of the backends are on disk anyway.
type Recording struct {
	Case       Case
	Arrivals   []Arrival
	Injections []Injection
	// Bookings is nil if nobody asked for them.
	Bookings []Booking

	dir      string
	requests *lines[Request]
}

// Begin makes the folder if need be, and begins the record in it, in place of any that was there.
func Begin(dir string) (*Recording, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, name := range []string{CaseFile, ArrivalsFile, InjectionsFile, BookingsFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	requests, err := createLines[Request](filepath.Join(dir, RequestsFile))
	if err != nil {
		return nil, err
	}
	return &Recording{dir: dir, requests: requests}, nil
}

// Saw writes a request down. Whether that went well is told by Save.
func (r *Recording) Saw(q Request) { r.requests.add(q) }

// Requests is how many were seen.
func (r *Recording) Requests() int { return r.requests.len() }

// Save completes the record; case.json comes last, so that a folder with it is complete.
func (r *Recording) Save() error {
	err := errors.Join(
		r.Close(),
		writeLines(filepath.Join(r.dir, ArrivalsFile), r.Arrivals),
		writeLines(filepath.Join(r.dir, InjectionsFile), r.Injections),
	)
	if r.Bookings != nil {
		err = errors.Join(err, writeLines(filepath.Join(r.dir, BookingsFile), r.Bookings))
	}
	if err != nil {
		return err
	}
	r.Case.Version = Version
	return WriteJSON(filepath.Join(r.dir, CaseFile), r.Case)
}

// Close ends the record as it is. One that was not saved is what a broken-off run leaves. It is safe to repeat.
func (r *Recording) Close() error { return r.requests.close() }

// Save writes facts that are already there, as a Recording does.
func Save(dir string, f Facts) error {
	r, err := Begin(dir)
	if err != nil {
		return err
	}
	for _, q := range f.Requests {
		r.Saw(q)
	}
	r.Case, r.Arrivals, r.Injections = f.Case, f.Arrivals, f.Injections
	return errors.Join(r.Save(), r.Close())
}

// someMore is the share of requests for whose further arrivals there is room from the start: growing copies all of them.
const someMore = 32

// Load reads what Save wrote, or the version before. Its errors name the file, and the line that is broken.
func Load(dir string) (Facts, error) {
	var f Facts
	path := filepath.Join(dir, CaseFile)
	if err := ReadJSON(path, &f.Case); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			if left := Remains(dir); left != "" {
				return f, fmt.Errorf("%s: no complete record here: %s", dir, left)
			}
			return f, fmt.Errorf("%s: no complete record here: %w", dir, err)
		}
		return f, err
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	switch {
	case f.Case.Version == 1:
		file = func(name string) string { return filepath.Join(dir, strings.TrimSuffix(name, compressed)) }
	case f.Case.Version > Version:
		return f, fmt.Errorf("%s: version %d is of a newer badgateway; this one reads 1 to %d", path, f.Case.Version, Version)
	case f.Case.Version != Version:
		return f, fmt.Errorf("%s: version %d, this program reads 1 to %d", path, f.Case.Version, Version)
	}
	var err error
	if f.Requests, err = readLines[Request](file(RequestsFile), f.Case.Planned); err != nil {
		return f, err
	}
	ids, codec := newIndex(f.Requests), newCodec[Arrival]()
	codec.ids = &ids
	about := f.Case.Planned + f.Case.Planned/someMore
	if f.Arrivals, err = readLinesOf(file(ArrivalsFile), about, codec); err != nil {
		return f, err
	}
	if f.Injections, err = readLines[Injection](file(InjectionsFile), 0); err != nil {
		return f, err
	}
	bookings, err := readLines[Booking](file(BookingsFile), 0)
	if errors.Is(err, fs.ErrNotExist) { // nobody asked for them
		return f, nil
	}
	for _, b := range bookings {
		switch n := ids.find(b.ID); {
		case n < 0:
		case b.Front:
			f.Requests[n].BookedInFront = int16(b.Status)
		default: // the last one, where a gateway in front has sent it several times
			f.Requests[n].Booked = b.Status
		}
	}
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

func replace(path string, text []byte) error {
	if err := os.WriteFile(path+".part", text, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}
