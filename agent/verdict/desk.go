package verdict

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Desk answers load balancers, in the form of HAProxy's agent checks. It remembers what it has told whom.
type Desk struct {
	judge func() Verdict

	mu     sync.Mutex
	askers map[string]told
}

// told is what somebody was told last.
type told struct {
	standing Standing
	at       time.Time
}

// askerLasts is how long ago somebody may have asked last that still counts as a load balancer of the node:
// several times the longest interval of their checks, 2 s.
const askerLasts = 10 * time.Second

// NewDesk returns a desk that answers with what judge returns.
func NewDesk(judge func() Verdict) *Desk { return &Desk{judge: judge, askers: map[string]told{}} }

// words are what HAProxy understands. Each answer says both whether the node gets new clients ("ready" or
// "drain") and whether it keeps those it has ("up" or "down"), because HAProxy keeps what it is not told.
var words = map[Standing]string{Serves: "ready up", Drains: "drain up", Fails: "ready down"}

// ServeHTTP answers with one line that is no HTTP, because HAProxy's agent check wants no more.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		http.Error(w, "can't answer without HTTP", http.StatusInternalServerError)
		return
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		return // the other side has left
	}
	defer conn.Close()
	verdict := d.judge()
	line := words[verdict.Standing]
	if verdict.Reason != "" {
		line += " #" + verdict.Reason
	}
	const patience = time.Second
	if conn.SetDeadline(time.Now().Add(patience)) != nil {
		return
	}
	if _, err := fmt.Fprintf(conn, "%s\n", line); err == nil {
		d.note(r.RemoteAddr, verdict.Standing, time.Now())
	}
}

func (d *Desk) note(address string, standing Standing, at time.Time) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.askers[host] = told{standing, at}
}

// Unaware counts those that have asked lately and have not been told of a standing.
func (d *Desk) Unaware(standing Standing, now time.Time) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	count := 0
	for asker, last := range d.askers {
		switch {
		case now.Sub(last.at) > askerLasts:
			delete(d.askers, asker)
		case last.standing != standing:
			count++
		}
	}
	return count
}
