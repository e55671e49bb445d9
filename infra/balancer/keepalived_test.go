package balancer_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/balancer"
	"warren/topology"
)

// TestWhatKeepalivedAsksHAProxy: a host may have the address if HAProxy answers, and gives it away if HAProxy
// has no node.
func TestWhatKeepalivedAsksHAProxy(t *testing.T) {
	bash, err := exec.LookPath("bash")
	require.NoError(t, err)
	script := filepath.Join(t.TempDir(), "check")
	require.NoError(t, os.WriteFile(script, []byte(balancer.CheckScript), 0o600))
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, topology.TakesClientsPath, r.URL.Path)
		w.WriteHeader(status)
	}))
	at, err := url.Parse(server.URL)
	require.NoError(t, err)
	ask := func(question string) bool {
		return exec.CommandContext(t.Context(), bash, script, at.Hostname(), at.Port(), question).Run() == nil
	}
	assert.True(t, ask("answers"))
	assert.True(t, ask("takes-clients"))
	status = http.StatusNotFound
	assert.True(t, ask("answers"))
	assert.False(t, ask("takes-clients"), "it has no node")
	server.Close()
	assert.False(t, ask("answers"))
	assert.False(t, ask("takes-clients"))
}
