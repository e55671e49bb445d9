package clients

import "sync"

// callbacks calls functions of the application one at a time and in order, on a goroutine of its own that
// lasts as long as there are any. No lock is held meanwhile, so that they may call whatever they want.
type callbacks struct {
	mu      sync.Mutex
	waiting []func()
	running bool
}

// add has f called. If there are most waiting already, and most is not 0, the oldest of them is dropped.
func (c *callbacks) add(f func(), most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if most > 0 && len(c.waiting) >= most {
		c.waiting[0] = nil
		c.waiting = c.waiting[1:]
	}
	c.waiting = append(c.waiting, f)
	if !c.running {
		c.running = true
		go c.run()
	}
}

func (c *callbacks) run() {
	for {
		c.mu.Lock()
		if len(c.waiting) == 0 {
			c.running, c.waiting = false, nil
			c.mu.Unlock()
			return
		}
		f := c.waiting[0]
		c.waiting[0] = nil
		c.waiting = c.waiting[1:]
		c.mu.Unlock()
		f()
	}
}
