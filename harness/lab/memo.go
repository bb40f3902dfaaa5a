package lab

import (
	"context"
	"sync"
)

// memo remembers what was found out for a key. Who asks while another is finding it out waits for that; a failure is not
// remembered.
type memo[V any] struct {
	mu    sync.Mutex
	known map[string]V
	busy  map[string]chan struct{} // closed when the one who finds it out is done
}

func (m *memo[V]) get(ctx context.Context, key string, find func() (V, error)) (V, error) {
	for {
		value, known, wait := m.claim(key)
		if known {
			return value, nil
		}
		if wait == nil {
			break
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return value, context.Cause(ctx)
		}
	}
	value, err := find()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.known[key] = value
	}
	close(m.busy[key])
	delete(m.busy, key)
	return value, err
}

// claim returns what is known, or what to wait for, or neither to the one who is to find it out.
func (m *memo[V]) claim(key string) (value V, known bool, wait chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known, m.busy = map[string]V{}, map[string]chan struct{}{}
	}
	if value, known = m.known[key]; known {
		return value, true, nil
	}
	if wait = m.busy[key]; wait == nil {
		m.busy[key] = make(chan struct{})
	}
	return value, false, wait
}
