package consume

import (
	"context"
	"sync"
)

// dedup remembers which messages have been handled, by id, and which are being handled right now.
type dedup struct {
	mu   sync.Mutex
	busy map[string]chan struct{} // closed when the handling has ended
	done map[string]struct{}
	ring []string // the keys of done, oldest first from next on; as long as the window
	next int
}

func newDedup(window int) *dedup {
	return &dedup{
		busy: make(map[string]chan struct{}),
		done: make(map[string]struct{}, window),
		ring: make([]string, window),
	}
}

// begin says whether the message is to be handled; if so, end must be called. While the same message is being
// handled already begin waits, since a duplicate may be acknowledged only when it is certain that the first
// was handled; it returns the context's error if that ends first.
func (d *dedup) begin(ctx context.Context, id string) (handle bool, err error) {
	for {
		d.mu.Lock()
		if _, done := d.done[id]; done {
			d.mu.Unlock()
			return false, nil
		}
		busy, isBusy := d.busy[id]
		if !isBusy {
			d.busy[id] = make(chan struct{})
			d.mu.Unlock()
			return true, nil
		}
		d.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// end ends the handling that begin allowed. Only a message that was handled is remembered; it takes the place
// of the oldest.
func (d *dedup) end(id string, handled bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.busy[id])
	delete(d.busy, id)
	if !handled {
		return
	}
	if oldest := d.ring[d.next]; oldest != "" {
		delete(d.done, oldest)
	}
	d.done[id] = struct{}{}
	d.ring[d.next] = id
	d.next = (d.next + 1) % len(d.ring)
}
