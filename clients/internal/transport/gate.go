package transport

import (
	"context"
	"sync"
	"time"
)

// Hundreds of clients in one process lose the node that they were all connected to at the same moment, and
// all turn to the next one. Connecting costs a broker milliseconds of a core, so that it answers all of them
// late; those that give up and begin again elsewhere make it worse. So a process makes few attempts on an
// endpoint at once. The others wait for their turn, which comes sooner that way than an answer would.

const (
	// mostHandshakes is how many attempts are made on one endpoint at once.
	mostHandshakes = 16
	// longestTurn is how long an attempt counts as one of them. A healthy broker is done much sooner; some of
	// those behind a load balancer may not be healthy, and must not hold up the others.
	longestTurn = 250 * time.Millisecond
)

// Gates let a process make only so many attempts to connect to an endpoint at once. The zero value is ready
// to use, and safe for concurrent use.
type Gates struct {
	mu    sync.Mutex
	gates map[string]*gate
}

// everyone is the gates of this process.
var everyone Gates

// gate is that of one endpoint.
type gate struct {
	underWay int
	waiting  []chan struct{} // each is closed when its turn has come, oldest first
	served   time.Time       // when the endpoint last let somebody in
}

// enter waits for a turn at an endpoint. It waits as long as the endpoint lets others in, and returns the
// patience as an error when it has let in nobody for so long; or the context's error. leave is to be called
// when the attempt is over, with whether it got in.
func (g *Gates) enter(ctx context.Context, address string, patience time.Duration) (
	leave func(in bool), err error,
) {
	g.mu.Lock()
	if g.gates == nil {
		g.gates = make(map[string]*gate)
	}
	at := g.gates[address]
	if at == nil {
		at = new(gate)
		g.gates[address] = at
	}
	if at.underWay < mostHandshakes {
		at.underWay++
		g.mu.Unlock()
		return g.turn(address, at), nil
	}
	turn := make(chan struct{})
	at.waiting = append(at.waiting, turn)
	g.mu.Unlock()

	began := time.Now()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-turn:
			return g.turn(address, at), nil
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-timer.C:
			g.mu.Lock()
			served := at.served
			g.mu.Unlock()
			if left := patience - time.Since(served); left > 0 && served.After(began) {
				timer.Reset(left)
				continue
			}
			err = Timeout(patience)
		}
		if !g.giveUp(at, turn) {
			g.turn(address, at)(false) // it had just come
		}
		return nil, err
	}
}

// turn makes one of the attempts under way end its turn: when it leaves, and after longestTurn at the latest.
func (g *Gates) turn(address string, at *gate) (leave func(in bool)) {
	end := sync.OnceFunc(func() { g.next(address, at) })
	timer := time.AfterFunc(longestTurn, end)
	return func(in bool) {
		timer.Stop()
		if in {
			g.mu.Lock()
			at.served = time.Now()
			g.mu.Unlock()
		}
		end()
	}
}

// next gives a turn to the one that has waited for the longest time.
func (g *Gates) next(address string, at *gate) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(at.waiting) > 0 {
		close(at.waiting[0])
		at.waiting[0] = nil
		at.waiting = at.waiting[1:]
		return
	}
	at.underWay--
	if at.underWay == 0 {
		delete(g.gates, address)
	}
}

// isBusy says whether others wait for their turn at an endpoint, or it has let somebody in since.
func (g *Gates) isBusy(address string, since time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.gates[address]
	return at != nil && (len(at.waiting) > 0 || at.served.After(since))
}

// giveUp says whether the one that waits for a turn did not get it yet, and will not.
func (g *Gates) giveUp(at *gate, turn chan struct{}) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, w := range at.waiting {
		if w == turn {
			at.waiting = append(at.waiting[:i], at.waiting[i+1:]...)
			return true
		}
	}
	return false
}
