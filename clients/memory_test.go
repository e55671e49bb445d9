package clients

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"warren/clients/internal/transport"
)

// memoryNetwork connects clients with listeners in the same process, without the kernel, so that time in a
// bubble of testing/synctest passes only when all wait for it. What is written waits in memory, however much
// it is.
type memoryNetwork struct {
	gates     transport.Gates
	mu        sync.Mutex
	listeners map[string]*memoryListener
	refuses   bool
}

func newMemoryNetwork() *memoryNetwork {
	return &memoryNetwork{listeners: make(map[string]*memoryListener)}
}

// withNetwork has a client connect through a network of the test's.
func withNetwork(n *memoryNetwork) Option {
	return connectionOption(func(c *connectionConfig) { c.network, c.gates = n.dial, &n.gates })
}

func (n *memoryNetwork) listen(address string) *memoryListener {
	l := &memoryListener{address: memoryAddr(address), conns: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[address] = l
	return l
}

func (n *memoryNetwork) refuse(refuses bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refuses = refuses
}

func (n *memoryNetwork) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	l, refuses := n.listeners[address], n.refuses
	n.mu.Unlock()
	if l == nil || refuses {
		return nil, &net.OpError{Op: "dial", Net: "memory", Err: os.ErrNotExist}
	}
	client, server := memoryPipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "memory", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type memoryAddr string

func (memoryAddr) Network() string  { return "memory" }
func (a memoryAddr) String() string { return string(a) }

type memoryListener struct {
	address memoryAddr
	conns   chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *memoryListener) Addr() net.Addr { return l.address }

// half is one direction of a connection.
type half struct {
	mu       sync.Mutex
	data     []byte
	closed   bool
	deadline time.Time
	changed  chan struct{}
}

func (h *half) change(f func()) {
	h.mu.Lock()
	f()
	h.mu.Unlock()
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

func (h *half) read(p []byte) (int, error) {
	for {
		h.mu.Lock()
		n := copy(p, h.data)
		h.data = h.data[n:]
		closed, deadline := h.closed, h.deadline
		h.mu.Unlock()
		var expired <-chan time.Time
		switch left := time.Until(deadline); {
		case n > 0:
			return n, nil
		case closed:
			return 0, io.EOF
		case !deadline.IsZero() && left <= 0:
			return 0, os.ErrDeadlineExceeded
		case !deadline.IsZero():
			expired = time.After(left)
		}
		select {
		case <-h.changed:
		case <-expired:
		}
	}
}

// memoryConn is one end of a connection.
type memoryConn struct{ in, out *half }

func memoryPipe() (client, server net.Conn) {
	up, down := &half{changed: make(chan struct{}, 1)}, &half{changed: make(chan struct{}, 1)}
	return &memoryConn{in: down, out: up}, &memoryConn{in: up, out: down}
}

func (c *memoryConn) Read(p []byte) (int, error) { return c.in.read(p) }

func (c *memoryConn) Write(p []byte) (n int, err error) {
	c.out.change(func() {
		if c.out.closed {
			err = net.ErrClosed
			return
		}
		c.out.data = append(c.out.data, p...)
		n = len(p)
	})
	return n, err
}

func (c *memoryConn) Close() error {
	c.in.change(func() { c.in.closed = true })
	c.out.change(func() { c.out.closed = true })
	return nil
}

func (c *memoryConn) LocalAddr() net.Addr              { return memoryAddr("local") }
func (c *memoryConn) RemoteAddr() net.Addr             { return memoryAddr("remote") }
func (c *memoryConn) SetDeadline(t time.Time) error    { return c.SetReadDeadline(t) }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }
func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.in.change(func() { c.in.deadline = t })
	return nil
}
