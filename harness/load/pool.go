package load

import (
	"sync"
	"time"
)

// pool holds idle connections, the most recently used on top.
type pool struct {
	run *run

	mu    sync.Mutex
	conns []*conn
}

// take returns an idle connection that the gateway has not closed and that is not too old, or nil.
func (p *pool) take(use Connections, now time.Duration) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.conns) > 0 {
		c := p.conns[len(p.conns)-1]
		p.conns = p.conns[:len(p.conns)-1]
		if use.keeps(c.position, now-c.opened) && c.alive(now) {
			return c
		}
		p.run.close(c)
	}
	return nil
}

func (p *pool) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, c)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		p.run.close(c)
	}
	p.conns = nil
}
