package clients

import (
	"net"
	"sync"
	"time"
)

// writeTimeout is how long one write to the socket may take. Writes only take long when the peer has stopped reading,
// or is gone, and the kernel's buffer is full.
const writeTimeout = 5 * time.Second

// socket is a connection whose writes have a deadline, which the client library does not set. While the broker blocks
// the connection, and so reads nothing on purpose, they have none.
type socket struct {
	net.Conn

	mu      sync.Mutex
	blocked bool
}

// Write writes p before the deadline.
func (s *socket) Write(p []byte) (int, error) {
	s.mu.Lock()
	if !s.blocked {
		_ = s.SetWriteDeadline(time.Now().Add(writeTimeout)) // fails only on a closed socket, as the write will
	}
	s.mu.Unlock()
	return s.Conn.Write(p)
}

// setBlocked suspends the deadline, also that of a write under way, or puts it back in force.
func (s *socket) setBlocked(blocked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocked = blocked
	deadline := time.Time{}
	if !blocked {
		deadline = time.Now().Add(writeTimeout)
	}
	_ = s.SetWriteDeadline(deadline) // fails only on a closed socket
}
