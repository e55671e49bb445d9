package topology

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWALSize(t *testing.T) {
	for _, tc := range []struct {
		limit     int64
		watermark float64
		want      int64
	}{
		{0, 0.6, 0},
		{1 << 30, 0.5, 1 << 30 / 10},
		{8 << 30, 0.6, 0}, // RabbitMQ's own is small enough
	} {
		c := Cluster{MemoryLimit: tc.limit, MemoryHighWatermark: tc.watermark}
		require.Equal(t, tc.want, c.WALSize(), "%d bytes, %g", tc.limit, tc.watermark)
	}
}
