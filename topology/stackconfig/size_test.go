package stackconfig

import (
	"strconv"
	"testing"

	"warren/topology/render"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "50000000": 50_000_000, "7B": 7,
		"1k": 1000, "1kB": 1000, "1KB": 1000, "1kiB": 1024, "1Ki": 1024,
		"2G": 2e9, "2g": 2e9, "2GB": 2e9, "2gb": 2e9, "2GiB": 2 << 30, "2gi": 2 << 30, "512MiB": 512 << 20,
		"1.5GB": 1_500_000_000, "1.5GiB": 3 << 29, "2T": 2e12, "2TB": 2e12, "2TiB": 2 << 40, "0.5TB": 5e11,
	} {
		got, err := parseSize(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{
		"", "GB", "-1GB", "+1GB", "0", "0GB", "0.1", "1 GB", " 1GB", "1GB ", "1XB", "1BG", "1GBB", "infGB",
		"NaN", "9e99GB", "1e30",
		"1e9", "0x10", "1_000", "1.GB", ".5GB", "1,5GB", "1.5.5GB", "99999999999TB", "2 gigs", "50%",
	} {
		_, err := parseSize(text)
		assert.ErrorContains(t, err, "is not a size", "%q", text)
	}
}

// Whatever disk free limit is accepted, RabbitMQ gets it in whole bytes: no series knows all units, and where
// one knows none it goes on with 50 MB and says nothing.
func TestEveryAcceptedDiskFreeLimitIsRenderedInBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		written := rapid.StringMatching(`[0-9]{1,4}(\.[0-9]{1,3})?([kKMGT](i?[bB])?)?`).Draw(t, "written")
		cluster, err := Parse("dev", map[string]string{"diskFreeLimit": written})
		if err != nil {
			require.ErrorContains(t, err, "warren:diskFreeLimit is "+strconv.Quote(written))
			return
		}
		rendered := settingIn(t, render.RabbitMQConf(cluster, cluster.Nodes[0]), "disk_free_limit.absolute")
		bytes, err := strconv.ParseInt(rendered, 10, 64)
		require.NoError(t, err)
		require.Equal(t, cluster.DiskFreeLimit, bytes)
		require.GreaterOrEqual(t, bytes, int64(50_000_000))
	})
}
