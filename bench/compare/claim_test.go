package compare

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFormat(t *testing.T) {
	assert.Equal(t, "171 ms", Format(0.171, Seconds))
	assert.Equal(t, "-2 s", strings.Replace(Format(-2, Seconds), ".00", "", 1))
	assert.Equal(t, "12,346/s", Format(12345.6, PerSecond))
	assert.Equal(t, "10,064", Format(10064, Messages))
}
