// Package callbacks calls functions of the application without holding up anybody.
package callbacks

import "sync"

// Queue calls functions of the application one at a time and in order, on a goroutine of its own that
// lasts as long as there are any. No lock is held meanwhile, so that they may call whatever they want.
type Queue struct {
	mu      sync.Mutex
	waiting []func()
	running bool
}

// Add has f called. If there are most waiting already, and most is not 0, the oldest of them is dropped.
func (q *Queue) Add(f func(), most int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if most > 0 && len(q.waiting) >= most {
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
	}
	q.waiting = append(q.waiting, f)
	if !q.running {
		q.running = true
		go q.run()
	}
}

func (q *Queue) run() {
	for {
		q.mu.Lock()
		if len(q.waiting) == 0 {
			q.running, q.waiting = false, nil
			q.mu.Unlock()
			return
		}
		f := q.waiting[0]
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
		q.mu.Unlock()
		f()
	}
}
