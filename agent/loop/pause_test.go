package loop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// A long wait takes a twentieth longer at most, and costs the fewer looks the longer it lasts.
func TestPause(t *testing.T) {
	for _, test := range []struct{ looked, waited, pause time.Duration }{
		{0, 0, shortestPause},
		{0, 8 * time.Second, shortestPause},
		{0, 40 * time.Second, 2 * time.Second},
		{0, time.Hour, longestPause},
		{10 * time.Second, time.Hour, 20 * time.Second},
	} {
		assert.Equal(t, test.pause, pause(test.looked, test.waited))
	}
}
