package health

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestProbeTellsCookiesApartWithoutShowingThem runs the probe as a container would.
func TestProbeTellsCookiesApartWithoutShowingThem(t *testing.T) {
	probe := func(nonce, cookie string) probed {
		file := filepath.Join(t.TempDir(), "cookie")
		require.NoError(t, os.WriteFile(file, []byte(cookie), 0o600))
		output, err := exec.CommandContext(t.Context(), "bash", "-c", probeScript, file, nonce, "1", "2").Output()
		if cookie != "" {
			require.NoError(t, err)
			assert.NotContains(t, string(output), "SECRET")
		}
		return parseProbe(string(output))
	}
	one := probe("a nonce", "SECRETCOOKIE")
	assert.Len(t, one.cookieDigest, 64)
	assert.False(t, one.runtime)
	assert.Equal(t, one, probe("a nonce", "SECRETCOOKIE\n"))
	assert.NotEqual(t, one, probe("a nonce", "SECRETCOOKIE2"))
	assert.NotEqual(t, one, probe("another nonce", "SECRETCOOKIE"))
	assert.Empty(t, probe("a nonce", "").cookieDigest)
}
