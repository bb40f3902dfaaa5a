package harness

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// A run may be shared out: several processes, one for each suite, have one folder and one seed, and several machines each
// have a shard of what there is to run.

// root is the folder of the whole run, of which each suite has a part.
func (s *run) root() string {
	return strings.TrimSuffix(s.Out, string(filepath.Separator)+filepath.FromSlash(s.suite))
}

// seedFile keeps the seed that was drawn for a run, for its other suites and for the day it is resumed.
const seedFile = "seed"

// settleSeed takes the seed of the run in the folder, or gives it one: that which was typed, if any.
func (s *run) settleSeed() (err error) {
	if s.seed != "" {
		return os.WriteFile(filepath.Join(s.root(), seedFile), fmt.Appendln(nil, s.Seed), 0o644)
	}
	s.Seed, err = seedOfRun(s.root(), s.Seed)
	return err
}

// seedOfRun is the seed that some suite has drawn for the run in the folder; the first one to ask keeps its own.
func seedOfRun(root string, own uint64) (uint64, error) {
	mine, err := os.CreateTemp(root, seedFile+".*")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(mine.Name()) }()
	_, err = fmt.Fprintln(mine, own)
	if err := errors.Join(err, mine.Chmod(0o644), mine.Close()); err != nil { // to be read by whoever reads the run
		return 0, err
	}
	path := filepath.Join(root, seedFile)
	// Made in one step, so that nobody reads half of it. Where there are no links each suite keeps its own seed, which its
	// run.json has as well.
	if err := os.Link(mine.Name(), path); !errors.Is(err, fs.ErrExist) {
		return own, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	seed, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return seed, nil
}

// mayResume reports what keeps the run in the folder from being gone on with: results of another profile or seed are no part
// of this run.
func (s *run) mayResume() error {
	var before reports.Environment
	switch err := record.ReadJSON(filepath.Join(s.Out, reports.EnvironmentFile), &before); {
	case !s.Resume || errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case before.Profile != s.Profile.String():
		return fmt.Errorf("the run in %s is of the profile %s", s.Out, before.Profile)
	case s.seed != "" && before.Seed != s.Seed:
		return fmt.Errorf("the run in %s has the seed %d", s.Out, before.Seed)
	}
	s.began = before.Began // it is one run
	return nil
}

// shard is a part of all there is to run, numbered from 1.
type shard struct{ part, of uint32 }

const mostShards = 1000

func parseShard(text string) (shard, error) {
	part, of, found := strings.Cut(text, "/")
	p, err := strconv.ParseUint(part, 10, 32)
	n, err2 := strconv.ParseUint(of, 10, 32)
	if !found || err != nil || err2 != nil || p < 1 || p > n || n > mostShards {
		return shard{}, errors.New("want a part and their number, as 2/4")
	}
	return shard{uint32(p), uint32(n)}, nil
}

// has reports whether something is in the shard. It is in exactly one, and which one depends on its name alone.
func (s shard) has(name string) bool {
	h := fnv.New32a()
	_, _ = io.WriteString(h, name) // a hash never fails
	return h.Sum32()%s.of == s.part-1
}
