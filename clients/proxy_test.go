package clients

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy forwards TCP connections, and breaks them on demand.
type proxy struct {
	listener net.Listener
	target   string
	pipes    sync.WaitGroup

	mu      sync.Mutex
	open    map[net.Conn]struct{} // both ends of every connection
	refuses bool
}

// startProxy forwards to target until the test ends.
func startProxy(t testing.TB, target string) *proxy {
	t.Helper()
	p := &proxy{listener: listen(t), target: target, open: make(map[net.Conn]struct{})}
	p.pipes.Go(p.accept)
	t.Cleanup(p.stop)
	return p
}

// listen listens on a free port.
func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return listener
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		if p.refuses {
			_, _ = client.Close(), server.Close()
			p.mu.Unlock()
			continue
		}
		p.open[client], p.open[server] = struct{}{}, struct{}{}
		p.mu.Unlock()
		p.pipes.Go(func() { p.pipe(client, server) })
		p.pipes.Go(func() { p.pipe(server, client) })
	}
}

// pipe copies one way until either end closes, and then closes both.
func (p *proxy) pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_, _ = to.Close(), from.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, to)
	delete(p.open, from)
}

// cut closes all connections and returns how many there were.
func (p *proxy) cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.open {
		_ = conn.Close()
	}
	return len(p.open) / 2
}

// refuse cuts all connections and closes new ones at once, until it is called with false.
func (p *proxy) refuse(refuses bool) {
	p.mu.Lock()
	p.refuses = refuses
	p.mu.Unlock()
	if refuses {
		p.cut()
	}
}

// connections is how many are open.
func (p *proxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open) / 2
}

func (p *proxy) stop() {
	_ = p.listener.Close()
	p.cut()
	p.pipes.Wait()
}
