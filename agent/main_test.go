package main

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
)

// On a busy machine the first health check is made before the agent listens. It waits, and then tells what
// the agent says.
func TestHealthCheckWaitsForTheAgent(t *testing.T) {
	checked := make(chan error, 1)
	go func() { checked <- waitFor(t.Context()) }()
	select {
	case err := <-checked:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(topology.AgentPort)))
	require.NoError(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "refused: this and that", http.StatusServiceUnavailable)
	})}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	assert.EqualError(t, <-checked, "refused: this and that")
}

func TestTheLogHasTheFormatThatIsAskedFor(t *testing.T) {
	for format, want := range map[string]string{"": `level=INFO msg="it runs"`, "json": `"msg":"it runs"`} {
		t.Setenv(topology.LogFormatVariable, format)
		var text bytes.Buffer
		slog.New(logHandler(&text)).Info("it runs")
		assert.Contains(t, text.String(), want)
	}
}
