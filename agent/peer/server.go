package peer

import (
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"warren/topology"
)

// Board is where an agent puts up how it stands, for others to read and to wait for.
type Board struct {
	mu      sync.Mutex
	status  Status
	result  any
	gauges  []Gauge
	changed chan struct{}
	parted  time.Time
	healthy bool // as a health check was told last
	node    func(context.Context) *Node
	verdict http.Handler
}

// NewBoard returns a board that begins with a phase. If node is not nil, it is asked for what is known of
// the node.
func NewBoard(phase Phase, node func(context.Context) *Node) *Board {
	return &Board{status: Status{Phase: phase, Since: time.Now()}, changed: make(chan struct{}), node: node}
}

// AnswerLoadBalancers lets load balancers ask whether the node takes clients. It is called before Serve.
func (b *Board) AnswerLoadBalancers(verdict http.Handler) { b.verdict = verdict }

// Set changes the phase.
func (b *Board) Set(phase Phase, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.status.Phase != phase {
		b.status.Since = time.Now()
	}
	b.status.Phase, b.status.Reason = phase, reason
	close(b.changed)
	b.changed = make(chan struct{})
}

// SetResult keeps what GET /result answers with.
func (b *Board) SetResult(result any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.result = result
}

// SetGauges keeps what GET /metrics answers with, next to the state of the agent.
func (b *Board) SetGauges(gauges []Gauge) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gauges = gauges
}

// Status is what is put up.
func (b *Board) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status
}

// farewellLasts is how long after a farewell a node that is told to stop takes the whole stack to go. Each
// node that stops for this reason says farewell again, so that it covers the stop of one node, and not that
// of all.
const farewellLasts = 2 * time.Minute

// Parted tells whether a farewell was said lately.
func (b *Board) Parted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.parted.IsZero() && time.Since(b.parted) < farewellLasts
}

// Handler answers other agents.
func (b *Board) Handler(cookie string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		status := b.Status()
		if b.node != nil {
			status.Node = b.node(r.Context())
		}
		reply(w, status)
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		b.mu.Lock()
		all := append(gauges(b.status, time.Now()), b.gauges...)
		b.mu.Unlock()
		writeMetrics(w, all)
	})
	mux.HandleFunc("GET /result", func(w http.ResponseWriter, _ *http.Request) {
		b.mu.Lock()
		result := b.result
		b.mu.Unlock()
		reply(w, result)
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		if status := b.health(r.Context()); status.Phase != Done {
			http.Error(w, string(status.Phase)+": "+status.Reason, http.StatusServiceUnavailable)
		}
	})
	if b.verdict != nil {
		mux.Handle("GET "+topology.VerdictPath, b.verdict)
		mux.HandleFunc("GET "+topology.AlivePath, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		})
	}
	mux.HandleFunc("POST /farewell", func(w http.ResponseWriter, r *http.Request) {
		const longest = 512
		message, err := io.ReadAll(io.LimitReader(r.Body, longest))
		if err != nil || !hmac.Equal([]byte(sign(key(cookie), message)), []byte(r.Header.Get(signature))) {
			http.Error(w, "not signed", http.StatusForbidden)
			return
		}
		b.mu.Lock()
		b.parted = time.Now()
		b.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// holdFor is how long a health check lasts when nothing happens. A check costs the engine far more than
// what it runs: those of all helpers, asked every second, would take a good part of a core all the time, and
// asked less often, each would delay the deployment. So a check waits for a change instead.
const holdFor = time.Hour

// health returns when what the agent is to bring about is there. From the second time on it returns when
// that is lost, or after an hour.
func (b *Board) health(ctx context.Context) Status {
	status := b.await(ctx, Working)
	b.mu.Lock()
	again := b.healthy
	b.healthy = status.Phase == Done
	b.mu.Unlock()
	if status.Phase != Done || !again {
		return status
	}
	ctx, cancel := context.WithTimeout(ctx, holdFor)
	defer cancel()
	return b.await(ctx, Done)
}

// await returns the status when the phase is another, or when ctx ends.
func (b *Board) await(ctx context.Context, phase Phase) Status {
	for {
		b.mu.Lock()
		status, changed := b.status, b.changed
		b.mu.Unlock()
		if status.Phase != phase {
			return status
		}
		select {
		case <-ctx.Done():
			return status
		case <-changed:
		}
	}
}

func reply(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the other side has left
}

// Serve answers other agents at a port until ctx ends.
func (b *Board) Serve(ctx context.Context, port int, cookie string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: b.Handler(cookie), ReadHeaderTimeout: timeout}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
