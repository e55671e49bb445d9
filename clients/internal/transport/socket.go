package transport

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// writeTimeout is how long one write to the socket may take, give or take a second. Writes only take long
// when the peer has stopped reading, or is gone, and the kernel's buffer is full.
const writeTimeout = 5 * time.Second

// corkSize is how much a corked socket holds back at most, in bytes.
const corkSize = 32 << 10

// socket is a network connection whose writes have a deadline, which the client library does not set. While
// the broker blocks the connection, and so reads nothing on purpose, they have none; closing the socket ends
// them.
//
// The library writes every message by itself. Each write costs the client, the load balancer and the broker
// far more than the bytes in it, so a socket can be corked while more is to come at once.
type socket struct {
	net.Conn
	heard atomic.Pointer[atomic.Int64] // when the peer has sent something; nil when nobody asks any more

	mu      sync.Mutex
	blocked bool
	armed   time.Time // when the deadline in force was set; zero if none is

	out   sync.Mutex // held while writing
	corks int        // how many senders have more to come
	held  []byte
}

// Read reads from the peer.
func (s *socket) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if heard := s.heard.Load(); heard != nil && n > 0 {
		heard.Store(time.Now().UnixNano())
	}
	return n, err
}

// Write writes p, or holds it back if the socket is corked.
func (s *socket) Write(p []byte) (int, error) {
	s.out.Lock()
	defer s.out.Unlock()
	if s.corks > 0 && len(s.held)+len(p) <= corkSize {
		s.held = append(s.held, p...)
		return len(p), nil
	}
	if err := s.flushLocked(); err != nil {
		return 0, err
	}
	return s.write(p)
}

// cork has what is written held back until uncork, or until there is enough of it.
func (s *socket) cork() {
	s.out.Lock()
	defer s.out.Unlock()
	s.corks++
}

// uncork writes what was held back, when no other sender has more to come. If that fails the socket is
// closed, which whoever reads from it notices.
func (s *socket) uncork() {
	s.out.Lock()
	defer s.out.Unlock()
	s.corks--
	if s.corks == 0 && s.flushLocked() != nil {
		_ = s.Close()
	}
}

func (s *socket) flushLocked() error {
	if len(s.held) == 0 {
		return nil
	}
	_, err := s.write(s.held)
	s.held = s.held[:0]
	return err
}

// write writes p before the deadline, which is moved at most once per second: that is exact enough, and
// moving it costs as much as a short write.
func (s *socket) write(p []byte) (int, error) {
	s.mu.Lock()
	if now := time.Now(); !s.blocked && now.Sub(s.armed) > time.Second {
		s.armLocked(now)
	}
	s.mu.Unlock()
	return s.Conn.Write(p)
}

// SetDeadline is called by the library, which clears the deadline when the connection has been opened.
func (s *socket) SetDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = time.Time{}
	return s.Conn.SetDeadline(t)
}

// armLocked puts a deadline in force. It fails only on a closed socket, as the write will.
func (s *socket) armLocked(now time.Time) {
	s.armed = now
	_ = s.SetWriteDeadline(now.Add(writeTimeout))
}

// setBlocked suspends the deadline, also that of a write under way, or puts it back in force.
func (s *socket) setBlocked(blocked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocked = blocked
	if blocked {
		_ = s.SetWriteDeadline(time.Time{}) // fails only on a closed socket
	} else {
		s.armLocked(time.Now())
	}
}
