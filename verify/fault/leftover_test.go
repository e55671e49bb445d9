package fault

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/cluster"
	"warren/topology"
	"warren/topology/stackconfig"
)

// TestContainersThatAreGoneHaveNothingLeft: the doctor asks for leftovers, and a missing container may be
// what is wrong.
func TestContainersThatAreGoneHaveNothingLeft(t *testing.T) {
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Content-Type", "application/json")
		var answer string
		switch {
		case strings.HasSuffix(r.URL.Path, "/_ping"):
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			answer = "[]"
		default:
			w.WriteHeader(http.StatusNotFound)
			answer = `{"message": "No such container: it"}`
		}
		_, _ = w.Write([]byte(answer))
	}))
	defer engine.Close()
	t.Setenv("DOCKER_HOST", "tcp://"+engine.Listener.Addr().String())
	t.Setenv("DOCKER_TLS_VERIFY", "")
	described, err := stackconfig.New("gone", stackconfig.Config{})
	require.NoError(t, err)
	c, err := cluster.Open(described.Outputs(topology.Secrets{}))
	require.NoError(t, err)
	defer c.Close()

	left, err := Leftovers(t.Context(), c)
	require.NoError(t, err)
	assert.Empty(t, left)
}
