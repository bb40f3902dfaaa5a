package harness

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// progress shows what is going on in one line of the terminal, past go test, which keeps back what tests print. Where
// there is no terminal, or in CI, it prints nothing: the tests' own lines are the progress there.
type progress struct {
	mu     sync.Mutex
	tty    *os.File
	active map[string]string
	shown  time.Time
}

func newProgress() *progress {
	p := &progress{active: map[string]string{}}
	if os.Getenv("CI") == "" {
		p.tty, _ = os.OpenFile("/dev/tty", os.O_WRONLY, 0) // no terminal: nil, and nothing is shown
	}
	return p
}

// of returns the function by which one job tells what it is doing.
func (p *progress) of(job string) func(string) {
	return func(what string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.active[job] = what
		if time.Since(p.shown) > 200*time.Millisecond {
			p.show()
		}
	}
}

func (p *progress) done(job string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.active, job)
	p.show()
}

func (p *progress) show() {
	if p.tty == nil {
		return
	}
	p.shown = time.Now()
	jobs := make([]string, 0, len(p.active))
	for job, what := range p.active {
		jobs = append(jobs, job+": "+what)
	}
	slices.Sort(jobs)
	line := strings.Join(jobs, " | ")
	if len(line) > 150 {
		line = line[:147] + "..."
	}
	fmt.Fprintf(p.tty, "\r\033[K%s", line)
}

func (p *progress) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.active)
	p.show()
	if p.tty != nil {
		_ = p.tty.Close()
		p.tty = nil
	}
}
