package topology

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "1k": 1024, "1kB": 1000, "1kiB": 1024, "2GB": 2_000_000_000, "2GiB": 2 << 30, "2G": 2 << 30, "512MiB": 512 << 20,
		"1.5GiB": 3 << 29, "1TB": 1e12,
	} {
		got, err := parseSize(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "GB", "-1GB", "0", "1 GB", "1gb", "1XB", "1BG", "infGB", "NaN", "9e99GB", "1e30"} {
		_, err := parseSize(text)
		assert.ErrorContains(t, err, "is not a size", "%q", text)
	}
}
